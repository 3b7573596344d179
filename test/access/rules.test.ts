/** The decision, case by case. */
import { describe, expect, test } from 'vitest'
import {
  type Asker,
  approvalOf,
  createDecider,
  decide,
  dependsOnNames,
  groupsOf,
  hasEnoughApprovers,
  isApprover,
  matchesGlob,
  type Rule,
  UNKNOWN_PART,
} from '../../src/access/rules.js'
import { expectCpuBelow } from '../helpers/cpu.js'

const person: Asker = { id: 'U1ADA000', membership: 'member', groups: [], channel: 'C1RANDOM' }
const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })
const copy = { connection: 'hoody-prod', what: 'copy' }

describe('who', () => {
  test.each<{ who: string; asker: Partial<Asker>; isAllowed: boolean }>([
    { who: 'members', asker: {}, isAllowed: true },
    { who: 'members', asker: { membership: 'guest' }, isAllowed: false },
    { who: 'members', asker: { membership: 'stranger' }, isAllowed: false },
    { who: 'U1ADA000', asker: {}, isAllowed: true },
    { who: 'U1ADA000', asker: { membership: 'guest' }, isAllowed: true },
    { who: 'U1ADA000', asker: { membership: 'stranger' }, isAllowed: false },
    { who: 'U1BOB000', asker: {}, isAllowed: false },
    { who: 'S1GROUP0', asker: { groups: ['S1GROUP0'] }, isAllowed: true },
    { who: 'S1GROUP0', asker: { groups: ['S2OTHER0'] }, isAllowed: false },
    { who: 'S1GROUP0', asker: { groups: ['S1GROUP0'], membership: 'stranger' }, isAllowed: false },
    { who: 'C1RANDOM', asker: {}, isAllowed: true },
    { who: 'C1RANDOM', asker: { channel: 'C2OTHER0' }, isAllowed: false },
    { who: 'C1RANDOM', asker: { channel: null }, isAllowed: false },
    { who: 'C1RANDOM', asker: { membership: 'stranger' }, isAllowed: false },
  ])('$who is $asker: $isAllowed', ({ who, asker, isAllowed }) => {
    expect(decide([rule({ who: ['S9NOBODY', who] })], { ...person, ...asker }, copy).isAllowed).toBe(isAllowed)
  })

  test('only the groups that rules name need to be asked for', () => {
    expect(groupsOf([rule({ who: ['members', 'S1GROUP0', 'U1ADA000'] }), rule({ who: ['S1GROUP0'] })])).toEqual([
      'S1GROUP0',
    ])
  })

  test('groups that can approve need to be asked for as well', () => {
    const approval = { by: ['S2OTHER0', 'U1ADA000', 'members'], count: 1, expiresMs: 1 }
    expect(groupsOf([rule({ who: ['S1GROUP0'], approval }), rule({ approval })])).toEqual(['S1GROUP0', 'S2OTHER0'])
  })
})

describe('who can approve', () => {
  test.each<{ by: string; asker: Partial<Asker>; isOne: boolean }>([
    { by: 'members', asker: {}, isOne: true },
    { by: 'members', asker: { membership: 'guest' }, isOne: false },
    { by: 'U1ADA000', asker: {}, isOne: true },
    { by: 'U1ADA000', asker: { membership: 'guest' }, isOne: false },
    { by: 'U1ADA000', asker: { membership: 'stranger' }, isOne: false },
    { by: 'W1ADA000', asker: { otherIds: ['W1ADA000'] }, isOne: true },
    { by: 'U1BOB000', asker: {}, isOne: false },
    { by: 'S1GROUP0', asker: { groups: ['S1GROUP0'] }, isOne: true },
    { by: 'S1GROUP0', asker: { groups: ['S1GROUP0'], membership: 'guest' }, isOne: false },
    { by: 'S1GROUP0', asker: { groups: ['S2OTHER0'] }, isOne: false },
    { by: 'C1RANDOM', asker: { channel: 'C1RANDOM' }, isOne: false },
  ])('$asker where $by can: $isOne', ({ by, asker, isOne }) => {
    expect(isApprover(['U9NOBODY', by], { ...person, ...asker })).toBe(isOne)
    expect(isApprover([], { ...person, ...asker })).toBe(false)
  })

  test.each([
    { by: ['U1ADA000'], count: 1, isEnough: false },
    { by: ['W1ADA000', 'U1ADA000'], count: 1, isEnough: false },
    { by: ['U1BOB000'], count: 1, isEnough: true },
    { by: ['U1ADA000', 'U1BOB000'], count: 2, isEnough: false },
    { by: ['U1BOB000', 'U1BOB000'], count: 2, isEnough: false },
    { by: ['U1ADA000', 'S1GROUP0'], count: 3, isEnough: true },
    { by: ['members'], count: 5, isEnough: true },
  ])('never is the person who asks: $count of $by are enough: $isEnough', ({ by, count, isEnough }) => {
    const asker = { ...person, otherIds: ['W1ADA000'] }
    expect(hasEnoughApprovers({ by, count, expiresMs: 1, needsRule: false }, asker)).toBe(isEnough)
  })

  test('is whom the approval names, else whom the rules let approve that target, without channels', () => {
    const act = { ...copy, source: 'shop', target: 'shop in prod' }
    const asks = rule({ may: ['copy'], approval: { count: 1, expiresMs: 1 } })
    const named = { by: ['U1BOB000'], count: 1, expiresMs: 1 }
    expect(approvalOf([], rule({}), act)).toBeUndefined()
    expect(approvalOf([rule({})], { ...asks, approval: named }, act)).toEqual({ ...named, needsRule: false })
    const by = (...rules: Rule[]) => approvalOf(rules, asks, act)?.by
    const approve = (...who: string[]) => rule({ who, may: ['approve'] })
    expect(approvalOf([asks, approve('S1GROUP0')], asks, act)).toEqual({
      by: [],
      count: 1,
      expiresMs: 1,
      needsRule: true,
    })
    expect(by(approve('S1GROUP0', 'C1RANDOM'), rule({ who: ['U1ADA000'] }), asks)).toEqual(['S1GROUP0', 'U1ADA000'])
    expect(by({ ...approve('S1GROUP0'), on: ['cf-*'] }, { ...approve('S2OTHER0'), target: ['*staging*'] })).toEqual([])
    expect(by({ ...approve('S1GROUP0'), from: ['billing'] }, { ...approve('S2OTHER0'), from: ['shop'] })).toEqual([
      'S2OTHER0',
    ])
    expect(by(rule({ who: ['S1GROUP0'], may: [] }), approve('S1GROUP0', 'U1BOB000'))).toEqual(['U1BOB000'])
    expect(by(approve('S1GROUP0'), rule({ may: [] }), approve('members', 'U1BOB000'))).toEqual(['S1GROUP0'])
  })
})

describe('the decision', () => {
  const staging = rule({ may: ['copy'], target: ['* in staging'] })
  const rules = {
    none: [],
    all: [rule({})],
    verbs: [rule({ may: ['retry'] })],
    'a no, then a yes': [rule({ may: [] }), rule({})],
    'a no elsewhere, then a yes': [rule({ may: [], on: ['cf-*'] }), rule({})],
    'a no for others, then a yes': [rule({ may: [], who: ['U1BOB000'] }), rule({})],
    'staging only': [staging],
    'no prod, else all': [rule({ may: [], target: ['*prod*'] }), rule({})],
    'all but staging': [rule({ may: [], target: ['* in staging'] }), rule({ may: ['copy'] })],
    'staging, else sync': [staging, rule({ may: ['sync'] })],
  } satisfies Record<string, Rule[]>

  test.each<{ given: keyof typeof rules; what?: string; target?: string; isAllowed: boolean }>([
    { given: 'none', isAllowed: false },
    { given: 'none', target: 'x', isAllowed: false },
    { given: 'all', isAllowed: true },
    { given: 'all', what: 'retry', target: 'x', isAllowed: true },
    { given: 'verbs', isAllowed: false },
    { given: 'verbs', what: 'retry', target: 'x', isAllowed: true },
    { given: 'a no, then a yes', isAllowed: false },
    { given: 'a no elsewhere, then a yes', isAllowed: true },
    { given: 'a no for others, then a yes', isAllowed: true },
    { given: 'staging only', isAllowed: true },
    { given: 'staging only', what: 'sync', isAllowed: false },
    { given: 'staging only', target: 'x in staging', isAllowed: true },
    { given: 'staging only', target: 'x in staging in production', isAllowed: false },
    { given: 'staging only', target: '65fe0000000000000000abcd', isAllowed: false },
    { given: 'no prod, else all', isAllowed: true },
    { given: 'no prod, else all', target: 'x in Production', isAllowed: false },
    { given: 'no prod, else all', target: 'x in staging', isAllowed: true },
    { given: 'all but staging', isAllowed: true },
    { given: 'all but staging', target: 'x in staging', isAllowed: false },
    { given: 'staging, else sync', isAllowed: true },
    { given: 'staging, else sync', target: 'x in production', isAllowed: false },
    { given: 'staging, else sync', what: 'sync', isAllowed: true },
    { given: 'staging, else sync', what: 'sync', target: 'x in staging', isAllowed: false },
    { given: 'staging, else sync', what: 'sync', target: 'x', isAllowed: true },
  ])('with $given, $what to $target: $isAllowed', ({ given, what = 'copy', target, isAllowed }) => {
    const act = { connection: 'hoody-prod', what, ...(target === undefined ? {} : { target }) }
    expect(decide(rules[given], person, act).isAllowed).toBe(isAllowed)
  })

  test.each<{ given: keyof typeof rules; partialTarget: string; isAllowed: boolean }>([
    { given: 'no prod, else all', partialTarget: '… in Production', isAllowed: false },
    { given: 'no prod, else all', partialTarget: '… in production on …', isAllowed: false },
    { given: 'no prod, else all', partialTarget: '… in staging', isAllowed: true },
    { given: 'no prod, else all', partialTarget: 'x in production', isAllowed: false },
    { given: 'all but staging', partialTarget: '… in staging', isAllowed: false },
    { given: 'all but staging', partialTarget: '… in staging on …', isAllowed: true },
    // Nothing that the gap may stand for makes this name fit the only rule.
    { given: 'staging only', partialTarget: '… in production', isAllowed: false },
    { given: 'staging only', partialTarget: '… in staging', isAllowed: true },
    { given: 'staging only', partialTarget: 'x in …', isAllowed: true },
    { given: 'staging only', partialTarget: '… in production on …', isAllowed: true },
    { given: 'staging only', partialTarget: 'x in production', isAllowed: false },
    { given: 'staging only', partialTarget: 'x in staging', isAllowed: true },
    { given: 'none', partialTarget: '…', isAllowed: false },
  ])('with $given, a name known as far as "$partialTarget": $isAllowed', ({ given, partialTarget, isAllowed }) => {
    const act = { ...copy, partialTarget: partialTarget.replaceAll('…', UNKNOWN_PART) }
    expect(decide(rules[given], person, act).isAllowed).toBe(isAllowed)
  })

  test('takes no whole name for one with gaps, whatever is in it', () => {
    expect(decide(rules['staging only'], person, { ...copy, target: `x${UNKNOWN_PART} in production` }).isAllowed).toBe(
      false,
    )
  })

  test('names the rule that decided', () => {
    expect(decide(rules['staging, else sync'], person, { ...copy, target: 'x in staging' }).rule).toBe(staging)
    expect(decide([], person, copy)).toEqual({ isAllowed: false })
  })

  test.each<{ given: keyof typeof rules; depends: boolean }>([
    { given: 'none', depends: false },
    { given: 'all', depends: false },
    { given: 'a no elsewhere, then a yes', depends: false },
    { given: 'staging only', depends: true },
    { given: 'no prod, else all', depends: true },
  ])('with $given depends on the target: $depends', ({ given, depends }) => {
    expect(dependsOnNames(rules[given], person, 'hoody-prod')).toBe(depends)
  })
})

describe('the source', () => {
  const production = ['*production*']
  const rules = {
    'nothing out of production': [rule({ may: [], from: production }), rule({})],
    'only out of staging': [rule({ from: ['* in staging'] })],
    'staging to staging': [rule({ from: ['* in staging'], target: ['* in staging'] })],
    'any source, said so': [rule({ from: ['*'] })],
    'sync from anywhere, else not out of production': [
      rule({ may: ['sync'], target: ['* in staging'] }),
      rule({ may: [], from: production }),
      rule({}),
    ],
  } satisfies Record<string, Rule[]>

  test.each<{ given: keyof typeof rules; what?: string; from?: string | null; to?: string; isAllowed: boolean }>([
    { given: 'nothing out of production', from: 'shop-db in production', to: 'x in staging', isAllowed: false },
    { given: 'nothing out of production', from: 'shop-db in staging', to: 'x in production', isAllowed: true },
    { given: 'nothing out of production', from: null, to: 'x in staging', isAllowed: false },
    { given: 'nothing out of production', isAllowed: true },
    { given: 'only out of staging', from: 'shop-db in production', to: 'x in staging', isAllowed: false },
    { given: 'only out of staging', from: 'shop-db in staging', to: 'x in production', isAllowed: true },
    { given: 'only out of staging', from: null, to: 'x in staging', isAllowed: false },
    { given: 'only out of staging', isAllowed: true },
    { given: 'staging to staging', from: 'a in staging', to: 'b in staging', isAllowed: true },
    { given: 'staging to staging', from: 'a in production', to: 'b in staging', isAllowed: false },
    { given: 'staging to staging', from: 'a in staging', to: 'b in production', isAllowed: false },
    { given: 'any source, said so', from: null, to: 'x', isAllowed: true },
    {
      given: 'sync from anywhere, else not out of production',
      what: 'sync',
      from: null,
      to: 'x in staging',
      isAllowed: true,
    },
    { given: 'sync from anywhere, else not out of production', what: 'sync', from: null, to: 'x', isAllowed: false },
  ])('with $given, $what of $from to $to: $isAllowed', ({ given, what = 'copy', from, to, isAllowed }) => {
    const act = { connection: 'hoody-prod', what, ...(from === undefined ? {} : { source: from }) }
    expect(decide(rules[given], person, { ...act, ...(to === undefined ? {} : { target: to }) }).isAllowed).toBe(
      isAllowed,
    )
  })

  test.each<{ given: keyof typeof rules; from: string; to: string; isAllowed: boolean }>([
    { given: 'nothing out of production', from: '… in production', to: '… in staging', isAllowed: false },
    { given: 'nothing out of production', from: '… in staging', to: '… in production', isAllowed: true },
    { given: 'only out of staging', from: 'x in production', to: '…', isAllowed: false },
    { given: 'only out of staging', from: 'x in staging', to: '…', isAllowed: true },
    { given: 'staging to staging', from: '…', to: '… in staging', isAllowed: true },
    { given: 'staging to staging', from: '…', to: '… in production', isAllowed: false },
  ])('with $given, $from to $to is offered in a list: $isAllowed', ({ given, from, to, isAllowed }) => {
    const [partialSource, partialTarget] = [from, to].map((text) => text.replaceAll('…', UNKNOWN_PART))
    const act = { ...copy, ...(partialSource && { partialSource }), ...(partialTarget && { partialTarget }) }
    expect(decide(rules[given], person, act).isAllowed).toBe(isAllowed)
  })

  test('makes its name matter as much as that of the target', () => {
    expect(dependsOnNames([rule({ from: production })], person, 'hoody-prod')).toBe(true)
    expect(dependsOnNames([rule({ from: ['x', '*'] })], person, 'hoody-prod')).toBe(false)
  })
})

describe('the other id of a person', () => {
  test('fits a rule as much as the one the request came with', () => {
    const asker = { ...person, otherIds: ['W1ADA000'] }
    expect(decide([rule({ who: ['W1ADA000'] })], asker, copy).isAllowed).toBe(true)
    expect(decide([rule({ who: ['W1ADA000'] })], { ...asker, membership: 'stranger' }, copy).isAllowed).toBe(false)
  })
})

describe('a name with something in it that nobody sees', () => {
  const unseen = [
    0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x202e, 0x2060, 0x2066, 0xfe0f, 0xfeff,
  ]
    .map((code) => String.fromCodePoint(code))
    .concat(String.fromCodePoint(0xe0020))
  const fullWidth = (text: string) =>
    text.replaceAll(/[!-~]/g, (sign) => String.fromCodePoint(sign.charCodeAt(0) + 0xfee0))
  const names = [
    'shop-web in production (woolworks)',
    'forêt-café in Ünïcôde',
    'ΟΔΟΣ in ПРОД on 東京',
    'straße in İzmir',
    'x',
  ]
  const globs = [
    '*production*',
    '* in production (*)',
    'forêt*',
    '*café in *',
    '*οδος*',
    'ΟΔΟΣ *',
    '* in прод on *',
    '*東京',
    'STRASSE*',
    'x',
    '*-*',
  ]
  /** The same steps each time the test is run. */
  const random = (() => {
    let seed = 7
    return (most: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % most
    }
  })()
  const disguises: ((name: string) => string)[] = [
    (name) => [...name].map((sign) => (random(3) === 0 ? sign + unseen[random(unseen.length)] : sign)).join(''),
    (name) => unseen[random(unseen.length)] + name + unseen[random(unseen.length)],
    (name) => name.normalize('NFD'),
    (name) => name.normalize('NFD').replaceAll(/\p{M}/gu, (mark) => unseen[random(unseen.length)] + mark),
    (name) => name.toUpperCase(),
    (name) => name.toLowerCase(),
    (name) => fullWidth(name.replaceAll(' ', '\u3000')),
    (name) => ` ${name.replaceAll(' ', '\u00a0\u200b ')}\t`,
  ]

  test.each(names)('%s is decided on as without it', (name) => {
    for (const glob of globs) {
      const rules = [rule({ may: [], target: [glob] }), rule({ may: [], from: [glob] }), rule({})]
      const decision = (text: string) => [
        decide(rules, person, { ...copy, target: text, source: 'y' }).isAllowed,
        decide(rules, person, { ...copy, target: 'y', source: text }).isAllowed,
      ]
      for (const disguise of disguises) {
        for (let time = 0; time < 20; time += 1) {
          const disguised = disguise(disguise(name))
          expect([glob, disguised, ...decision(disguised)]).toEqual([glob, disguised, ...decision(name)])
        }
      }
    }
  })

  test('of more characters than are compared is allowed by no rule that looks at it', () => {
    const long = `${'\u200b'.repeat(5_000)} in production`
    for (const [name, isAllowed] of [
      [long, false],
      ['x in staging', true],
    ] as const) {
      const act = { ...copy, target: name }
      expect(decide([rule({ may: [], target: ['* in production'] }), rule({})], person, act).isAllowed).toBe(isAllowed)
      expect(decide([rule({ target: ['x in staging', '* in production'] })], person, act).isAllowed).toBe(isAllowed)
    }
  })

  test('is not refused because an asterisk of another width stands in a rule', () => {
    expect(matchesGlob('shop＊', 'shop-web')).toBe(false)
    expect(matchesGlob('shop＊', 'shop＊')).toBe(true)
  })

  test('leaves a rule its place although a part of the name is empty', () => {
    expect(matchesGlob('* in production', '\u200b in production')).toBe(true)
    expect(matchesGlob('* in * on gpu', 'x in \u200b on gpu')).toBe(true)
    expect(matchesGlob('* in production', 'xin production')).toBe(false)
    expect(matchesGlob('* in * on gpu', 'x inon gpu')).toBe(false)
  })
})

describe('a glob', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything\nat all', true],
    ['hoody', 'hoody', true],
    ['hoody', 'hoody-prod', false],
    ['*-staging', 'shop-STAGING', true],
    ['*-staging', 'shop-staging-2', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['* in * on *', 'x in y on z', true],
    ['* in * on *', 'x on z in y', false],
    ['ab*bc*cd', 'abcd', false],
    ['ab*bc*cd', 'ab bc cd', true],
    ['a.c', 'abc', false],
    ['[a-z]*', 'abc', false],
  ])('%s fits "%s": %s', (glob, name, fits) => {
    expect(matchesGlob(glob, name)).toBe(fits)
  })

  test('takes no long over thousands of accents on one letter', async () => {
    const name = `${'\u0327\u0301\u0344'.repeat(1_300)} in production`
    await expectCpuBelow(1_000, () => {
      for (let time = 0; time < 100; time += 1) expect(matchesGlob('* in production', name)).toBe(true)
    })
  })

  test('takes no long over a list of two thousand names', async () => {
    const rules = Array.from({ length: 10 }, (_, at) =>
      rule({ from: [`*x in ${at}`, `* büro ${at}*`], target: [`* in ${at}`, `a*b*c${at}`] }),
    )
    const decideOn = createDecider(rules, person, 'hoody-prod')
    await expectCpuBelow(1_000, () => {
      for (let entry = 0; entry < 2_000; entry += 1) {
        const partialSource = `shop-büro-${entry} in 東京 production (woolworks)`
        const asked = { what: 'copy', partialSource, partialTarget: `${UNKNOWN_PART} in production` }
        expect(decideOn(asked).isAllowed).toBe(false)
      }
    })
  })

  test('takes no long over a long name', async () => {
    await expectCpuBelow(200, () => expect(matchesGlob('*a*a*a*a*a*a*a*a*b', 'a'.repeat(100_000))).toBe(false))
  })
})

describe('a name that only looks like the one in a rule', () => {
  const looksAlike = [
    ['production-db', 'production\u2011db'],
    ['production-db', 'production\u2010db'],
    ['production-db', 'production–db'],
    ["o'neill", 'o’neill'],
    ['production', 'producti\u0307on'],
    ['istanbul', 'İstanbul'],
    ['jo', 'j\u0307o'],
    ['strasse', 'STRAẞE'],
    ['production', 'prod\ufff9uction'],
    ['shop in production', 'shop in\u2800production'],
  ] as const

  test.each(looksAlike)('is decided on as %j: %j', (plain, disguised) => {
    for (const [one, other] of [
      [plain, disguised],
      [disguised, plain],
    ] as const) {
      expect(matchesGlob(one, other)).toBe(true)
      expect(matchesGlob(`*${one}`, `shop in ${other}`)).toBe(true)
    }
  })

  test('is another one where its letters have other marks', () => {
    for (const name of ['cafe\u0301', 'ëo', 'ıx\u0307', 'x\u0307']) expect(matchesGlob('cafe', name)).toBe(false)
  })
})

/** The decision, case by case. */
import { describe, expect, test } from 'vitest'
import { type Asker, decide, dependsOnTarget, fitsGlob, gap, groupsIn, type Rule } from '../src/access.js'

const person: Asker = { id: 'U1ADA000', standing: 'member', groups: [], channel: 'C1RANDOM' }
const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })
const copy = { connection: 'hoody-prod', what: 'copy' }

describe('who', () => {
  test.each<{ who: string; asker: Partial<Asker>; isAllowed: boolean }>([
    { who: 'members', asker: {}, isAllowed: true },
    { who: 'members', asker: { standing: 'guest' }, isAllowed: false },
    { who: 'members', asker: { standing: 'stranger' }, isAllowed: false },
    { who: 'U1ADA000', asker: {}, isAllowed: true },
    { who: 'U1ADA000', asker: { standing: 'guest' }, isAllowed: true },
    { who: 'U1ADA000', asker: { standing: 'stranger' }, isAllowed: false },
    { who: 'U1BOB000', asker: {}, isAllowed: false },
    { who: 'S1GROUP0', asker: { groups: ['S1GROUP0'] }, isAllowed: true },
    { who: 'S1GROUP0', asker: { groups: ['S2OTHER0'] }, isAllowed: false },
    { who: 'S1GROUP0', asker: { groups: ['S1GROUP0'], standing: 'stranger' }, isAllowed: false },
    { who: 'C1RANDOM', asker: {}, isAllowed: true },
    { who: 'C1RANDOM', asker: { channel: 'C2OTHER0' }, isAllowed: false },
    { who: 'C1RANDOM', asker: { channel: null }, isAllowed: false },
    { who: 'C1RANDOM', asker: { standing: 'stranger' }, isAllowed: false },
  ])('$who is $asker: $isAllowed', ({ who, asker, isAllowed }) => {
    expect(decide([rule({ who: ['S9NOBODY', who] })], { ...person, ...asker }, copy).isAllowed).toBe(isAllowed)
  })

  test('only the groups that rules name need to be asked for', () => {
    expect(groupsIn([rule({ who: ['members', 'S1GROUP0', 'U1ADA000'] }), rule({ who: ['S1GROUP0'] })])).toEqual([
      'S1GROUP0',
    ])
  })
})

describe('the decision', () => {
  const staging = rule({ may: ['copy'], target: ['* in staging'] })
  const rules = {
    none: [],
    all: [rule({})],
    verbs: [rule({ may: ['check-again'] })],
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
    { given: 'all', what: 'start-over', target: 'x', isAllowed: true },
    { given: 'verbs', isAllowed: false },
    { given: 'verbs', what: 'check-again', target: 'x', isAllowed: true },
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

  test.each<{ given: keyof typeof rules; outline: string; isAllowed: boolean }>([
    { given: 'no prod, else all', outline: '… in Production', isAllowed: false },
    { given: 'no prod, else all', outline: '… in production on …', isAllowed: false },
    { given: 'no prod, else all', outline: '… in staging', isAllowed: true },
    { given: 'no prod, else all', outline: 'x in production', isAllowed: false },
    { given: 'all but staging', outline: '… in staging', isAllowed: false },
    { given: 'all but staging', outline: '… in staging on …', isAllowed: true },
    // What would make a name fit a rule is not guessed.
    { given: 'staging only', outline: '… in production', isAllowed: true },
    { given: 'staging only', outline: 'x in production', isAllowed: false },
    { given: 'staging only', outline: 'x in staging', isAllowed: true },
    { given: 'none', outline: '…', isAllowed: false },
  ])('with $given, a name known as far as "$outline": $isAllowed', ({ given, outline, isAllowed }) => {
    const act = { ...copy, outline: outline.replaceAll('…', gap) }
    expect(decide(rules[given], person, act).isAllowed).toBe(isAllowed)
  })

  test('takes no whole name for one with gaps, whatever is in it', () => {
    expect(decide(rules['staging only'], person, { ...copy, target: `x${gap} in production` }).isAllowed).toBe(false)
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
    expect(dependsOnTarget(rules[given], person, 'hoody-prod')).toBe(depends)
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
    expect(fitsGlob(glob, name)).toBe(fits)
  })

  test('takes no long over a long name', () => {
    const began = performance.now()
    expect(fitsGlob('*a*a*a*a*a*a*a*a*b', 'a'.repeat(100_000))).toBe(false)
    expect(performance.now() - began).toBeLessThan(200)
  })
})

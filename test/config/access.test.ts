/** The sentence for each rule of access that would not do what it says. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { compareRules, type Operations, Owner, rulesSchema } from '../../src/config/access.js'
import { expectation, problemsIn } from '../../src/config/issues.js'

const [clone, copy, sync] = [{ copiesData: false }, { copiesData: true }, { copiesData: true }]

function read(access: unknown, owner?: unknown) {
  const problems: string[] = []
  const warnings: string[] = []
  const reading = {
    connections: new Map<string, Operations>([
      ['hoody-prod', { copy, sync }],
      ['cf-prod', { clone, 'copy-bits': copy }],
    ]),
    operations: { clone, copy, 'copy-bits': copy, sync, 'clone-environment': clone },
    lineOf: (path: readonly string[]) => ` (line ${10 + Number(path[1])})`,
    note: (path: readonly string[], problem: string) => problems.push(`${path.join('.')} ${problem}`),
    warn: (path: readonly string[], problem: string) => warnings.push(`${path.join('.')} ${problem}`),
  }
  const file = { access, owner }
  const schema = z.object({ access: rulesSchema(reading), owner: Owner })
  const { data, error } = schema.safeParse(file, { error: expectation })
  for (const { path, text } of problemsIn(error, file)) reading.note(path, text)
  compareRules(access, reading)
  return { rules: data?.access ?? [], owner: data?.owner, problems, warnings }
}

const open = { who: 'members', may: '*', on: '*' }
const known =
  'status, cancel, retry, delete, extend, approve, schedule, preset, history, clone, copy, copy-bits, sync, clone-environment'
const ids = 'expected members, or the ID, as Slack shows it, of a person (U…), a user group (S…) or a channel (C…)'

describe('rules of access', () => {
  test('are lists of words, written out or not', () => {
    const { rules, owner, problems } = read(
      [
        { ...open, target: '*-1' },
        { who: ['U012ABCDE', 'W012ABCDE', 'S012ABCDE', 'C012ABCDE', 'G012ABCDE'], may: [], on: '*-prod' },
        { who: 'members', may: ['copy-bits', 'retry'], on: ['cf-*', 'hoody-prod'], target: ['* in staging'] },
      ],
      ' #platform-help ',
    )
    expect(problems).toEqual([])
    expect(owner).toBe('#platform-help')
    expect(rules).toEqual([
      { who: ['members'], may: ['*'], on: ['*'], target: ['*-1'] },
      {
        who: ['U012ABCDE', 'W012ABCDE', 'S012ABCDE', 'C012ABCDE', 'G012ABCDE'],
        may: [],
        on: ['*-prod'],
        target: ['*'],
      },
      {
        who: ['members'],
        may: ['copy-bits', 'retry'],
        on: ['cf-*', 'hoody-prod'],
        target: ['* in staging'],
      },
    ])
  })

  test.each([
    {
      access: undefined,
      problem:
        'access is not set, so nobody can do anything; write rules as dolly.example.yml shows, or open it to all full members of the workspace with the line access: [{ who: members, may: "*", on: "*" }]',
    },
    {
      access: [],
      problem:
        'access has no rules, so nobody can do anything; write rules as dolly.example.yml shows, or open it to all full members of the workspace with the line access: [{ who: members, may: "*", on: "*" }]',
    },
    {
      access: open,
      problem: 'access is not valid: expected a list of rules, as in access: [{ who: members, may: "*", on: "*" }]',
    },
    {
      access: ['members'],
      problem: 'access.0 is not valid: expected a rule, as in access: [{ who: members, may: "*", on: "*" }]',
    },
    {
      access: [open, { ...open, targets: 'x' }],
      problem:
        'access.1.targets is not a known key; did you mean "target"? (known: who, may, on, from, target, approval)',
    },
    { access: [{ may: '*', on: '*' }], problem: 'access.0.who is not set: expected a word or a list of words' },
    { access: [{ ...open, on: null }], problem: 'access.0.on is not set: expected a word or a list of words' },
    { access: [{ ...open, who: [] }], problem: 'access.0.who is empty: expected a word or a list of words' },
    {
      access: [{ ...open, target: [''] }],
      problem: 'access.0.target.0 is empty: expected a word, in quotes if it is a * or a number',
    },
    {
      access: [{ ...open, may: [], from: '\u200b\u00ad' }],
      problem: 'access.0.from is not valid: expected a word, in quotes if it is a * or a number',
    },
    {
      access: [{ ...open, on: 5 }],
      problem: 'access.0.on is not valid: expected a word, in quotes if it is a * or a number',
    },
    {
      access: [{ ...open, who: ['member'] }],
      problem: `access.0.who.0 is not valid; did you mean "members"?: ${ids}`,
    },
    { access: [{ ...open, who: '#platform' }], problem: `access.0.who is not valid: ${ids}` },
    { access: [{ ...open, who: 'u012abcde' }], problem: `access.0.who is not valid: ${ids}` },
    { access: [{ ...open, who: 'D012ABCDE' }], problem: `access.0.who is not valid: ${ids}` },
    {
      access: [{ ...open, may: ['copy', 'cpoy-bits'] }],
      problem: `access.0.may.1 is neither an operation nor a verb; did you mean "copy-bits"? (known: ${known})`,
    },
    {
      access: [{ ...open, may: 'retri' }],
      problem: `access.0.may is neither an operation nor a verb; did you mean "retry"? (known: ${known})`,
    },
    {
      access: [{ ...open, on: 'hoody-prd' }],
      problem: 'access.0.on matches no connection; did you mean "hoody-prod"? (known: hoody-prod, cf-prod)',
    },
    {
      access: [{ ...open, on: ['*-prod', 'qovery-*'] }],
      problem: 'access.0.on.1 matches no connection (known: hoody-prod, cf-prod)',
    },
  ])('are refused as $access', ({ access, problem }) => {
    expect(read(access).problems).toEqual([problem])
  })

  test.each([
    { may: 'clone', on: 'hoody-prod', problem: 'may is not an operation of hoody-prod (known: copy, sync)' },
    {
      may: ['copy', 'copy-bit', 'clone-environment'],
      on: ['*-prod'],
      problem: `may.1 is neither an operation nor a verb; did you mean "copy-bits"? (known: ${known})`,
    },
    {
      may: ['copy', 'clone', 'clone-environment'],
      on: ['*-prod'],
      problem: 'may.2 is not an operation of hoody-prod, cf-prod (known: copy, sync, clone, copy-bits)',
    },
    {
      may: ['retry', 'copy'],
      on: 'cf-*',
      problem: 'may.1 is not an operation of cf-prod; did you mean "copy-bits"? (known: clone, copy-bits)',
    },
  ])('may not allow $may on $on, where nothing of that name can be done', ({ problem, ...rule }) => {
    expect(read([{ ...open, ...rule }]).problems[0]).toBe(`access.0.${problem}`)
  })

  test.each([
    { earlier: open, later: { ...open, may: [], target: '*production*' } },
    { earlier: { ...open, may: [] }, later: open },
    { earlier: { ...open, who: ['U012ABCDE', 'members'] }, later: { ...open, may: 'copy', on: 'hoody-prod' } },
    { earlier: { ...open, on: ['cf-*', 'hoody-prod'] }, later: { ...open, on: ['hoody-prod', 'cf-prod'] } },
    { earlier: { ...open, on: 'HOODY-*' }, later: { ...open, on: 'hoody-*d' } },
    { earlier: { ...open, target: '* in staging' }, later: { ...open, may: 'sync', target: '* in Staging' } },
    { earlier: { ...open, target: ['a', '*-x'] }, later: { ...open, target: ['b-x', '*-*-x'] } },
    { earlier: { ...open, from: '*' }, later: { ...open, from: 'x' } },
    { earlier: { ...open, from: ['*-x'] }, later: { ...open, from: ['b-x', '*-*-X'], target: 'y' } },
  ])('behind $earlier, $later is refused because it can never decide anything', ({ earlier, later }) => {
    expect(read([{ ...open, who: 'C012ABCDE' }, earlier, later]).problems).toEqual([
      'access.2 never applies: rule 2 (line 11) comes first and matches everything that this one matches; move this one above it, or remove it',
    ])
  })

  test.each([
    { earlier: { ...open, who: 'U012ABCDE' }, later: open },
    // Somebody may be a guest, and a group or a channel may hold some.
    { earlier: open, later: { ...open, who: 'U012ABCDE' } },
    { earlier: open, later: { ...open, who: ['members', 'S012ABCDE'] } },
    // Connections come and go.
    { earlier: { ...open, on: ['hoody-prod', 'cf-prod'] }, later: open },
    { earlier: { ...open, on: 'cf-prod' }, later: { ...open, on: 'cf-*' } },
    { earlier: { ...open, target: '*staging*' }, later: open },
    { earlier: { ...open, target: '* in staging' }, later: { ...open, target: '*staging' } },
    { earlier: { ...open, target: 'a*b' }, later: { ...open, target: 'a*' } },
    { earlier: { ...open, from: 'x' }, later: open },
    { earlier: { ...open, from: 'x' }, later: { ...open, from: 'x*' } },
    { earlier: { ...open, from: 'x' }, later: { ...open, target: 'x', from: '*' } },
  ])('behind $earlier, $later may decide something', ({ earlier, later }) => {
    expect(read([earlier, later]).problems).toEqual([])
  })

  test.each(['3c90c3cc-0d44-4b50-8888-8dd25736052a', '* in 65fe0000000000000000abcd', '*65FE0000000000000000ABCD*'])(
    'that name the id %s would fit nothing, so they stop the start',
    (id) => {
      const problem =
        'contains an ID, which matches nothing: rules compare names, and a name shows only the end of an ID; write the name instead'
      expect(read([{ ...open, target: ['x', id] }]).problems).toEqual([`access.0.target.1 ${problem}`])
      expect(read([{ ...open, from: id }]).problems).toEqual([`access.0.from ${problem}`])
      expect(read([{ ...open, from: id.slice(0, -16) }]).problems).toEqual([])
    },
  )

  test('keep what is written of the source, and whether anything is', () => {
    expect(read([{ ...open, from: ['a', 'b'] }, { ...open, from: '*' }, open]).rules.map(({ from }) => from)).toEqual([
      ['a', 'b'],
      ['*'],
      undefined,
    ])
  })

  const staging = { who: 'members', may: ['copy', 'copy-bits', 'retry'], on: '*', target: '* in staging' }
  const anySource = 'from: "*" in this rule means any source, and silences this warning'
  test.each([
    {
      rule: staging,
      warning: `has a target but no from, and copy, copy-bits copy data: any source may be copied there; add from: with the names of sources (${anySource})`,
    },
    {
      rule: { ...staging, on: 'cf-prod', may: '*' },
      warning: `has a target but no from, and copy-bits copies data: any source may be copied there; add from: with the names of sources (${anySource})`,
    },
    {
      rule: { ...staging, may: [], on: 'hoody-*', target: ['*production*', 'x'] },
      warning: `has a target but no from, and copy, sync copy data: nothing is written there, but its data may still be copied elsewhere; add the same rule with from: "*production*" instead of target (${anySource})`,
    },
    { rule: { ...staging, from: '*' }, warning: undefined },
    { rule: { ...staging, from: '* in staging' }, warning: undefined },
    { rule: { ...staging, target: '*' }, warning: undefined },
    { rule: { ...staging, may: 'retry' }, warning: undefined },
    { rule: { ...staging, on: 'cf-prod', may: 'clone' }, warning: undefined },
  ])('that look at the target alone are warned of where data is copied: $rule', ({ rule, warning }) => {
    const { problems, warnings } = read([rule])
    expect(problems).toEqual([])
    expect(warnings).toEqual(warning === undefined ? [] : [`access.0 ${warning}`])
  })

  test('may ask for an approval by others', () => {
    const { rules, problems, warnings } = read([
      { ...open, may: ['copy', 'clone'], approval: { by: ['U012ABCDE', 'S012ABCDE'], count: 2, expires: '4h' } },
      { ...open, who: 'C012ABCDE', may: 'delete', approval: { by: 'members', expires: '30 m' } },
      { ...open, who: 'U012ABCDE', approval: { by: ['U022ABCDE'], expires: '7d' } },
      { ...open, who: 'U032ABCDE', approval: { by: ['W012ABCDE'], expires: '5m', count: 1 } },
      { ...open, who: 'U042ABCDE', approval: { by: ['members'] } },
    ])
    expect([problems, warnings]).toEqual([[], []])
    const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
    expect(rules.map(({ approval }) => approval)).toEqual([
      { by: ['U012ABCDE', 'S012ABCDE'], count: 2, expiresMs: 4 * hour },
      { by: ['members'], count: 1, expiresMs: 30 * minute },
      { by: ['U022ABCDE'], count: 1, expiresMs: 7 * day },
      { by: ['W012ABCDE'], count: 1, expiresMs: 5 * minute },
      { by: ['members'], count: 1, expiresMs: day },
    ])
  })

  const mapping = 'expected a mapping, as in approval: { by: S0PLATFORM, count: 2, expires: 4h }'
  const approvers = 'expected members, or the ID, as Slack shows it, of a person (U…) or a user group (S…)'
  const counts = 'expected a whole number from 1 to 5, without quotes'
  const times = 'expected a time from 5m to 7d, such as 30m, 4h or 2d'
  const only = 'approval is for rules that allow an operation or delete'
  test.each([
    { approval: 'S012ABCDE', problem: ` is not valid: ${mapping}` },
    { approval: null, problem: ` is not set: ${mapping}` },
    { approval: { by: [] }, problem: '.by is empty: expected a word or a list of words' },
    { approval: { by: ['membres'] }, problem: `.by.0 is not valid; did you mean "members"?: ${approvers}` },
    { approval: { by: 'C012ABCDE' }, problem: `.by is not valid: ${approvers}` },
    { approval: { by: 'members', count: 0 }, problem: `.count is not valid: ${counts}` },
    { approval: { by: 'members', count: 6 }, problem: `.count is not valid: ${counts}` },
    { approval: { by: 'members', count: '2' }, problem: `.count is not valid: ${counts}` },
    { approval: { by: 'members', count: 1.5 }, problem: `.count is not valid: ${counts}` },
    {
      approval: { by: ['U012ABCDE'], count: 2 },
      problem: '.count is 2, and by names only one person; name more, or a user group (S…)',
    },
    {
      approval: { by: ['U012ABCDE', 'W012ABCDE', 'U012ABCDE'], count: 3 },
      problem: '.count is 3, and by names only 2 people; name more, or a user group (S…)',
    },
    ...['4m', '8d', '0h', '4', 'soon', '1e3m', '-5h', ''].map((expires) => ({
      approval: { by: 'members', expires },
      problem: `.expires is ${expires === '' ? 'empty' : 'not valid'}: ${times}`,
    })),
    { approval: { by: 'members', expires: 4 }, problem: `.expires is not valid: ${times}` },
    {
      approval: { by: 'members', expire: '4h' },
      problem: '.expire is not a known key; did you mean "expires"? (known: by, count, expires)',
    },
  ])('may not ask for the approval $approval', ({ approval, problem }) => {
    expect(read([{ ...open, approval }]).problems).toEqual([`access.0.approval${problem}`])
  })

  test.each([
    { may: [], what: 'refuses' },
    { may: 'retry', what: 'allows only retry' },
    { may: ['status', 'cancel'], what: 'allows only status, cancel' },
  ])('that start nothing may not ask for an approval: $may', ({ may, what }) => {
    const approval = { by: 'members' }
    expect(read([{ ...open, may, approval }]).problems).toEqual([
      `access.0.approval has no effect, because this rule ${what}; ${only}`,
    ])
  })

  test('that allow to approve are warned of where every approval names who can give it', () => {
    const approve = { who: 'S012ABCDE', may: ['approve'], on: 'cf-*' }
    const none =
      'access.0 lists approve under may, which has no effect: it is for approvals that leave out by, and no rule for these connections has one'
    const warningsWith = (rest: object) => read([approve, { ...open, ...rest }]).warnings
    expect(warningsWith({})).toEqual([none])
    expect(warningsWith({ approval: { by: 'U012ABCDE' } })).toEqual([none])
    expect(warningsWith({ on: 'hoody-prod', approval: {} })).toEqual([none])
    expect(warningsWith({ approval: {} })).toEqual([])
  })

  test('whose approval names nobody need a rule that lets somebody approve there', () => {
    const asks = { who: 'members', may: 'copy', on: 'hoody-prod', approval: { count: 2 } }
    const nobody = `access.0.approval can be given by nobody: say who under by, or allow approve to people or user groups in a rule for these connections`
    const problemsWith = (...rest: object[]) => read([asks, ...rest]).problems
    expect(problemsWith()).toEqual([nobody])
    expect(problemsWith({ who: 'S012ABCDE', may: 'approve', on: 'cf-prod' })[0]).toBe(nobody)
    expect(problemsWith({ who: 'C012ABCDE', may: 'approve', on: '*' })).toEqual([nobody])
    expect(problemsWith({ who: 'S012ABCDE', may: 'approve', on: '*' })).toEqual([])
    expect(problemsWith({ who: 'U012ABCDE', may: '*', on: 'hoody-*' })).toEqual([])
    expect(read([{ ...asks, may: '*' }]).problems).toEqual([])
    expect(read([{ ...asks, may: '*' }]).rules[0]?.approval).toEqual({ count: 2, expiresMs: 24 * 3_600_000 })
  })

  test('with a problem of its own is not also said to be of no use', () => {
    expect(read([open, { ...open, who: [] }]).problems).toHaveLength(1)
    expect(read([open, 'members']).problems).toHaveLength(1)
  })

  test.each([5, '', 'two\nlines', 'x'.repeat(101)])('know no owner %j', (owner) => {
    expect(read([open], owner).problems).toEqual([
      `owner is ${owner === '' ? 'empty' : 'not valid'}: expected one line of at most 100 characters, such as "#platform-help" or "Ada"`,
    ])
  })
})

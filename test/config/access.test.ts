/** The sentence for each rule of access that would not do what it says. */
import { describe, expect, test } from 'vitest'
import { readAccess } from '../../src/config/access.js'

function read(access: unknown, owner?: unknown) {
  const problems: string[] = []
  const rules = readAccess(access, owner, {
    connections: ['hoody-prod', 'cf-prod'],
    operations: ['clone', 'copy', 'copy-bits'],
    note: (path, problem) => problems.push(`${path.join('.')} ${problem}`),
  })
  return { ...rules, problems }
}

const open = { who: 'members', may: '*', on: '*' }
const known = 'check-again, start-over, dismiss, clone, copy, copy-bits'
const ids = 'expected members, or an id as Slack shows it: of a user (U…), a user group (S…) or a channel (C…)'

describe('rules of access', () => {
  test('are lists of words, written out or not', () => {
    const { rules, owner, problems } = read(
      [
        open,
        { who: ['U012ABCDE', 'W012ABCDE', 'S012ABCDE', 'C012ABCDE', 'G012ABCDE'], may: [], on: '*-prod' },
        { who: 'members', may: ['copy-bits', 'start-over'], on: ['cf-*', 'hoody-prod'], target: ['* in staging'] },
      ],
      ' #platform-help ',
    )
    expect(problems).toEqual([])
    expect(owner).toBe('#platform-help')
    expect(rules).toEqual([
      { who: ['members'], may: ['*'], on: ['*'], target: ['*'] },
      {
        who: ['U012ABCDE', 'W012ABCDE', 'S012ABCDE', 'C012ABCDE', 'G012ABCDE'],
        may: [],
        on: ['*-prod'],
        target: ['*'],
      },
      {
        who: ['members'],
        may: ['copy-bits', 'start-over'],
        on: ['cf-*', 'hoody-prod'],
        target: ['* in staging'],
      },
    ])
  })

  test('may be none at all, where that is written: then nobody may do anything', () => {
    expect(read([])).toEqual({ rules: [], owner: 'whoever keeps dolly.yml', problems: [] })
  })

  test.each([
    {
      access: undefined,
      problem:
        'access is not set, so nobody may do anything; write rules as dolly.example.yml shows, or the line access: [{ who: members, may: "*", on: "*" }] opens it to all full members of the workspace',
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
      problem: 'access.1.targets is not a known key; did you mean "target"? (known: who, may, on, target)',
    },
    { access: [{ may: '*', on: '*' }], problem: 'access.0.who is not set: expected a word or a list of words' },
    { access: [{ ...open, on: null }], problem: 'access.0.on is not set: expected a word or a list of words' },
    { access: [{ ...open, who: [] }], problem: 'access.0.who is empty: expected a word or a list of words' },
    {
      access: [{ ...open, target: [''] }],
      problem: 'access.0.target.0 is not valid: expected a word, in quotes if it is a * or a number',
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
      problem: `access.0.may.1 is no operation of a provider and no verb; did you mean "copy-bits"? (known: ${known})`,
    },
    {
      access: [{ ...open, may: 'check_again' }],
      problem: `access.0.may is no operation of a provider and no verb; did you mean "check-again"? (known: ${known})`,
    },
    {
      access: [{ ...open, on: 'hoody-prd' }],
      problem: 'access.0.on fits no connection; did you mean "hoody-prod"? (known: hoody-prod, cf-prod)',
    },
    {
      access: [{ ...open, on: ['*-prod', 'qovery-*'] }],
      problem: 'access.0.on.1 fits no connection (known: hoody-prod, cf-prod)',
    },
  ])('are refused as $access', ({ access, problem }) => {
    expect(read(access).problems).toEqual([problem])
  })

  test.each([5, '', 'two\nlines', 'x'.repeat(101)])('know no owner %j', (owner) => {
    expect(read([open], owner).problems).toEqual([
      'owner is not valid: expected one line of at most 100 characters, such as "#platform-help" or "Ada"',
    ])
  })
})

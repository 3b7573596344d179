/** The arguments of `dolly`: what they ask for, what is wrong with them, and the help, which is written from the same table. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { readArguments } from '../../src/cli/arguments.js'
import { commands } from '../../src/cli/commands.js'
import { helpOf, overview } from '../../src/cli/help.js'

/** What is asked for in one line: `db copy a.db`, or the sentence on what is wrong. */
function read(...given: string[]): string {
  const asked = readArguments(given, commands)
  switch (asked.kind) {
    case 'run':
      return ['run', asked.command.name, ...asked.operands, ...asked.flags].join(' ')
    case 'help':
      return ['help', asked.command?.name].join(' ').trim()
    case 'version':
      return 'version'
    case 'wrong':
      return asked.sentence
  }
}

describe('the arguments', () => {
  it.each([
    { given: [], means: 'run start' },
    { given: ['start'], means: 'run start' },
    { given: ['doctor'], means: 'run doctor' },
    { given: ['doctor', '--json'], means: 'run doctor json' },
    { given: ['db', 'copy', 'file:data/dolly.db'], means: 'run db copy file:data/dolly.db' },
    { given: ['audit', 'verify'], means: 'run audit verify' },
    { given: ['audit', 'verify', '812:sha256-1'], means: 'run audit verify 812:sha256-1' },
    { given: ['help'], means: 'help' },
    { given: ['help', 'help'], means: 'help' },
    { given: ['-h'], means: 'help' },
    { given: ['--help'], means: 'help' },
    { given: ['help', 'db', 'copy'], means: 'help db copy' },
    { given: ['db', 'copy', '--help'], means: 'help db copy' },
    { given: ['--version'], means: 'version' },
    { given: ['-v'], means: 'version' },
  ])('$given mean: $means', ({ given, means }) => {
    expect(read(...given)).toBe(means)
  })

  it.each([
    { given: ['chekc'], says: 'Dolly has no command "chekc". See: dolly --help' },
    { given: ['docter'], says: 'Dolly has no command "docter". Did you mean "doctor"? See: dolly --help' },
    { given: ['help', 'strat'], says: 'Dolly has no command "strat". Did you mean "start"? See: dolly --help' },
    { given: ['audit'], says: 'Dolly has no command "audit". Did you mean "audit verify"? See: dolly --help' },
    { given: ['db', 'cpy', 'x'], says: 'Dolly has no command "db cpy". Did you mean "db copy"? See: dolly --help' },
    { given: ['--check'], says: 'dolly has no option "--check". See: dolly --help' },
    { given: ['--verison'], says: 'dolly has no option "--verison". Did you mean "--version"? See: dolly --help' },
    {
      given: ['doctor', '--jsno'],
      says: 'dolly doctor has no option "--jsno". Did you mean "--json"? See: dolly doctor --help',
    },
    {
      given: ['doctor', '--json=1'],
      says: 'The option --json of dolly doctor takes no value. See: dolly doctor --help',
    },
    { given: ['db', 'copy'], says: 'dolly db copy needs <file>. See: dolly db copy --help' },
    { given: ['db', 'copy', 'a', 'b'], says: `dolly db copy can't do anything with "b". See: dolly db copy --help` },
    { given: ['start', 'now'], says: `dolly start can't do anything with "now". See: dolly start --help` },
  ])('$given are refused, and a sentence says what was meant', ({ given, says }) => {
    expect(read(...given)).toBe(says)
  })
})

test('the list of all commands names each with what it takes', () => {
  const text = overview(commands)
  const lines = text.split('\n')
  for (const { name, summary, operands } of commands) {
    const usage = `  dolly ${[name, ...operands].join(' ')}`
    expect(lines.filter((line) => line.startsWith(usage) && line.endsWith(`  ${summary}`))).toHaveLength(1)
  }
})

test.each(commands)(
  'the help of $name has its usage, its options and its exit codes, in lines that fit a terminal',
  (command) => {
    const text = helpOf(command)
    expect(text.startsWith(`Usage: dolly ${[command.name, ...command.operands].join(' ')}`)).toBe(true)
    for (const flag of Object.keys(command.flags)) expect(text).toContain(`  --${flag}  `)
    expect(text).toMatch(/Exit codes:\n {2}0 {2}\S.*\n {2}1 {2}\S/)
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([])
  },
)

test.each(commands)('$name has a file of its name, which its load imports', ({ name, load }) => {
  const file = name.replace(' ', '-')
  expect(existsSync(`src/cli/${file}.ts`)).toBe(true)
  expect(load.toString()).toContain(`/${file}.`)
})

test('docs/operating.md lists every command with what it takes', () => {
  const page = readFileSync('docs/operating.md', 'utf8')
  for (const { name, operands } of commands.filter(({ name }) => name !== 'start'))
    expect(page).toContain(`| \`npm start -- ${[name, ...operands].join(' ')}`)
})

test('every file of src/cli that is a command is in the table', () => {
  const running = readdirSync('src/cli').filter((file) =>
    /^export async function run\(/m.test(readFileSync(`src/cli/${file}`, 'utf8')),
  )
  expect(running.sort()).toEqual(commands.map(({ name }) => `${name.replace(' ', '-')}.ts`).sort())
})

/** Pure: the arguments of `dolly` → what was asked for, or a sentence on what is wrong with them. */
import { parseArgs } from 'node:util'
import { closest, didYouMean } from '../lib/closest.js'
import type { Command } from './commands.js'

export type Asked =
  | { kind: 'run'; command: Command; operands: readonly string[]; flags: ReadonlySet<string> }
  /** The help of one command, or of all. */
  | { kind: 'help'; command?: Command }
  | { kind: 'version' }
  | { kind: 'wrong'; sentence: string }

const HELP_FLAGS = ['help', 'h']
const VERSION_FLAGS = ['version', 'v']

/** @param given what follows the program's own name. */
export function readArguments(given: readonly string[], commands: readonly Command[]): Asked {
  const { tokens } = parseArgs({ args: [...given], strict: false, allowPositionals: true, tokens: true })
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []))
  const options = tokens.filter((token) => token.kind === 'option')
  const isHelp = words[0] === 'help' || options.some(({ name }) => HELP_FLAGS.includes(name))
  while (words[0] === 'help') words.shift()
  if (isHelp && words.length === 0) return { kind: 'help' }
  if (words.length === 0 && options.some(({ name }) => VERSION_FLAGS.includes(name))) return { kind: 'version' }

  const command = findCommand(words.length === 0 ? ['start'] : words, commands)
  if (!command) return { kind: 'wrong', sentence: unknownCommand(words, commands) }
  if (isHelp) return { kind: 'help', command }
  const call = words.length === 0 ? 'dolly' : `dolly ${command.name}`
  const wrong = (sentence: string): Asked => ({ kind: 'wrong', sentence: `${sentence} See: ${call} --help` })
  const known = Object.keys(command.flags)
  for (const { name, rawName, value } of options) {
    if (!known.includes(name)) {
      const near = closest(name, [...known, 'help', ...(words.length === 0 ? ['version'] : [])])
      return wrong(`${call} has no option "${rawName}".${near === undefined ? '' : ` Did you mean "--${near}"?`}`)
    }
    if (value !== undefined) return wrong(`The option ${rawName} of ${call} takes no value.`)
  }
  const operands = words.slice(command.name.split(' ').length)
  const missing = command.operands.find((operand, at) => operand.startsWith('<') && operands[at] === undefined)
  if (missing !== undefined) return wrong(`${call} needs ${missing}.`)
  const extra = operands[command.operands.length]
  if (extra !== undefined) return wrong(`${call} can't do anything with "${extra}".`)
  return { kind: 'run', command, operands, flags: new Set(options.map(({ name }) => name)) }
}

function findCommand(words: readonly string[], commands: readonly Command[]): Command | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, at) => words[at] === word))
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name)
  const [group = ''] = words
  const members = names.filter((name) => name.startsWith(`${group} `))
  const typed = words.slice(0, members.length > 0 ? 2 : 1).join(' ')
  const near = didYouMean(words.slice(0, 2).join(' '), names) || didYouMean(group, [...names, 'help'])
  const suggestion = near || (members.length > 0 ? ` There are: ${members.join(', ')}.` : '')
  return `Dolly has no command "${typed}".${suggestion} See: dolly --help`
}

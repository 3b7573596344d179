/** Pure: what `--help` prints. */
import type { Command } from './commands.js'

/** In characters. */
const MAX_LINE_LENGTH = 100

/** All commands, a line each. */
export function overview(commands: readonly Command[]): string {
  const calls = [
    ...commands.map((command) => [usageOf(command), command.summary] as const),
    ['dolly help [command]', 'print this, or what a command does; "dolly doctor --help" does the same'] as const,
    ['dolly --version', 'print the version'] as const,
  ]
  return `Dolly clones apps from Slack. README.md and docs/operating.md explain how to set it up and run it.

${inColumns(calls)}
`
}

/** One command: how to call it, what it does, and what its exit codes mean. */
export function helpOf(command: Command): string {
  const flags = Object.entries(command.flags).map(([name, does]) => [`--${name}`, does] as const)
  const exits = Object.entries(command.exits)
  return `Usage: ${usageOf(command)}

${wrapped(command.details)}
${flags.length === 0 ? '' : `\nOptions:\n${inColumns(flags)}\n`}
Exit codes:
${inColumns(exits)}
`
}

function usageOf({ name, operands, flags }: Command): string {
  return ['dolly', name, ...operands, ...Object.keys(flags).map((flag) => `[--${flag}]`)].join(' ')
}

function inColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length))
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`).join('\n')
}

function wrapped(text: string): string {
  return text.replaceAll(new RegExp(`(.{1,${MAX_LINE_LENGTH}})(?: |$)`, 'g'), '$1\n').trimEnd()
}

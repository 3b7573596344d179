#!/usr/bin/env node
/** The `dolly` command: reads its arguments, and loads what was asked for. */
import { readFileSync } from 'node:fs'
import { type Asked, readArguments } from './cli/arguments.js'
import { commands } from './cli/commands.js'
import { helpOf, overview } from './cli/help.js'
import { packageFile } from './package.js'

async function perform(asked: Asked): Promise<number> {
  switch (asked.kind) {
    case 'help':
      process.stdout.write(asked.command ? helpOf(asked.command) : overview(commands))
      return 0
    case 'version':
      process.stdout.write(`${readVersion()}\n`)
      return 0
    case 'wrong':
      process.stderr.write(`${asked.sentence}\n`)
      return 1
    case 'run': {
      const { run } = await asked.command.load()
      return await run(asked.operands, asked.flags)
    }
  }
}

function readVersion(): string {
  return JSON.parse(readFileSync(packageFile('package.json'), 'utf8')).version
}

// Not awaited here: the parts that are loaded later may import this file, and would wait for it forever.
perform(readArguments(process.argv.slice(2), commands)).then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    process.exit(1)
  },
)

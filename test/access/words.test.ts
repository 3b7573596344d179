import { expect, it } from 'vitest'
import { VERBS } from '../../src/access/rules.js'
import { COMMAND_WORDS } from '../../src/access/words.js'
import { verbs } from '../../src/commands/index.js'
import * as providers from '../../src/providers/index.js'

const reserved: readonly string[] = COMMAND_WORDS

it('every word that /clone-app takes for a command is kept from connections', () => {
  const words = verbs.flatMap((verb) => [...verb.words])
  expect(words.filter((word) => !reserved.includes(word))).toEqual([])
  expect(VERBS.filter((word) => !reserved.includes(word))).toEqual([])
})

it('no two commands have the same word', () => {
  const words = verbs.flatMap((verb) => [...verb.words])
  expect(words).toEqual([...new Set(words)])
})

it('no operation has the name of a command', () => {
  const operations = Object.values(providers).flatMap((provider) => Object.keys(provider.operations))
  expect(operations.filter((id) => reserved.includes(id))).toEqual([])
})

/**
 * Whatever text a vendor or a person sends, no function takes long over it: one that tries again and again from each
 * character takes half a minute over 256 kB, where reading it once takes milliseconds.
 */
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { matchesGlob } from '../../src/access/rules.js'
import { parseCommand } from '../../src/commands/clone/command.js'
import { matchNames } from '../../src/commands/clone/typed-names.js'
import { didYouMean } from '../../src/lib/closest.js'
import { createRedactor } from '../../src/lib/redact.js'
import * as libText from '../../src/lib/text.js'
import * as typedText from '../../src/lib/typed-text.js'
import { createLog, slackLogger } from '../../src/log.js'
import { readAnswer } from '../../src/providers/http-answer.js'
import { tidy } from '../../src/providers/http-errors.js'
import * as providers from '../../src/providers/index.js'
import { describedOption, maskIds, type Provider, sentence, withoutCredentials } from '../../src/providers/provider.js'
import * as options from '../../src/slack/form/options.js'
import * as slackText from '../../src/slack/text.js'
import { withoutPersonal } from '../../src/store/detail.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'
import { fieldOf } from '../helpers/field.js'
import { jobIn } from '../helpers/job.js'

/** In characters. Twice as many take a pattern that is wrong four times as long: with so many it takes half a minute. */
const LENGTH = 256 * 1024
/** In milliseconds of this process's own work, whatever else the machine does. */
const bound = 500

const runs = [
  ...[
    'a',
    'A',
    'f',
    '0',
    ' ',
    '\n',
    '\t',
    '-',
    '_',
    ':',
    '/',
    '\\',
    '"',
    "'",
    '`',
    '*',
    '.',
    ',',
    '=',
    '<',
    '>',
    '&',
    '@',
  ],
  ...[
    '%',
    '%25',
    '%2525',
    '&amp;',
    '\\u0061',
    '\\\\',
    '://',
    'x://',
    'x://a',
    ':a',
    ':a:',
    'a-',
    '-a',
    'a_',
    '_a_',
    ' (',
    '(:',
  ],
  ...[
    'a ',
    'a=',
    'a="',
    '="',
    'a@',
    'https://a:b',
    '[a',
    '{',
    '}',
    ' in ',
    ' / ',
    ' · ',
    '0-',
    'f-f',
    'Bearer ',
    '<@U1',
    '→',
  ],
  ...[
    'é',
    'e\u0301',
    '\u0301',
    '\u200b',
    '\u200d',
    '\u00ad',
    '\u202e',
    '👩\u200d👩\u200d👧',
    '🐑',
    '🇩🇪',
    '\ud83d',
    '\u0000',
    '\u2028',
    'ﷺ',
    '“',
    '—',
  ],
]
/** Much of each, with another character after it, because many a pattern only fails at its end. */
const worst = runs.map((run) => ({
  name: `${JSON.stringify(run)}!`,
  text: `${run.repeat(Math.ceil(LENGTH / run.length))}!`,
}))

async function slowest(read: (text: string) => unknown): Promise<{ ms: number; name: string }> {
  let most = { ms: 0, name: '' }
  for (const { name, text } of worst) {
    const began = process.cpuUsage()
    await read(text)
    const { user, system } = process.cpuUsage(began)
    const ms = (user + system) / 1_000
    if (ms > most.ms) most = { ms, name }
    // One that is slow is slow over many.
    if (ms > bound) return most
  }
  return most
}

/** Texts that are put into JSON first, where a character may become six. */
const short = (text: string) => text.slice(0, 50_000)

/** Every function of a module, so that a new one is tried as well: with the text alone unless it is called otherwise here. */
function functionsOf(
  module: object,
  otherwise: Record<string, (text: string) => unknown>,
): [string, (text: string) => unknown][] {
  return Object.entries(module).flatMap(([name, exported]): [string, (text: string) => unknown][] =>
    typeof exported === 'function' ? [[name, otherwise[name] ?? ((text) => exported(text))]] : [],
  )
}

const redactor = createRedactor([
  'aaaaaaaaaaaaaaaa',
  'wool/"of"\\the+sheep=4711',
  'fffffffffffffffffffffff0',
  '%25%25%25%25%25',
])
const silent = pino({ level: 'trace' }, { write: () => undefined })
// What it would print is not printed.
const lined = createLog('info', (line, isCut) => redactor.redact(line, isCut).slice(0, 0))
const connections = new Map([['dummy-one', dummyConnection(dummyWorld())]])
const refusing = (read: () => unknown) => {
  try {
    return read()
  } catch (error) {
    return error
  }
}

describe('over 256 kB of the worst text', () => {
  it.each([
    ...functionsOf(libText, {
      foreignText: (text) => libText.foreignText(text, redactor.redact),
      cut: (text) => [libText.cut(text, 500), libText.cut(text, 4_000)],
    }),
    ...functionsOf(typedText, {}),
    ...functionsOf(slackText, {
      mrkdwn: (text) => [slackText.mrkdwn(text), slackText.mrkdwn(text, 4_000)],
      fromTo: (text) => slackText.fromTo(text, text, 300),
      mrkdwnWithin: (text) => [slackText.mrkdwnWithin(500, text), slackText.mrkdwnWithin(3_000, text)],
      time: () => slackText.time(0),
      dateAndTime: () => slackText.dateAndTime(0),
      approverNames: (text) => slackText.approverNames([text, 'S1']),
      peopleNames: (text) => slackText.peopleNames([text, 'U1']),
      inWords: () => slackText.inWords(0),
    }),
    ...functionsOf(options, {
      searchOptions: (text) => [
        options.searchOptions([{ value: 'a', label: text, description: text }], 'a b'),
        options.searchOptions([{ value: text, label: text }], text.slice(0, 3_000)),
      ],
      isBlocked: () => undefined,
      unansweredParents: () => undefined,
      chooseFirst: (text) => options.chooseFirst([{ ...fieldOf('a'), title: text }], 75),
      option: (text) => options.option({ value: text, label: text, description: text }),
    }),
    ['redact', (text) => [redactor.redact(text), redactor.redact(text, true)]],
    ['didYouMean', (text) => [didYouMean(text, ['copy', 'sync']), didYouMean('copy', [text, text.slice(0, 60)])]],
    ['matchNames', (text) => matchNames([{ value: 'a', label: text }], [text.slice(0, 3_000)])],
    ['maskIds', maskIds],
    ['withoutCredentials', withoutCredentials],
    ['describedOption', (text) => describedOption(text, text, text, text)],
    ['sentence', (text) => sentence(text, text)],
    ['tidy', tidy],
    ['readAnswer', (text) => readAnswer(JSON.stringify({ [short(text)]: short(text) }), redactor.redact)],
    ['readAnswer of no JSON', (text) => readAnswer(text, redactor.redact).catch(String)],
    ['the log of Slack’s libraries', (text) => slackLogger(silent).debug(text)],
    ['the log', (text) => lined.info({ text: short(text) }, short(text))],
    ['parseCommand', (text) => refusing(() => parseCommand(text, connections))],
    [
      'parseCommand at Slack’s length',
      (text) => refusing(() => parseCommand(`hoody ${text.slice(0, 2_000)}`, connections)),
    ],
    ['matchesGlob', (text) => [matchesGlob('*a*b*a-*:*', text), matchesGlob(text.slice(0, 1_000), text)]],
    [
      'withoutPersonal',
      (text) =>
        withoutPersonal(
          jobIn('working', { params: { key: text.slice(0, 3_000) }, personal: ['key'] }),
          text.slice(0, 4_096),
        ),
    ],
  ] as [string, (text: string) => unknown][])(
    '%s does not take long',
    async (_, read) => {
      const { ms, name } = await slowest(read)
      expect(ms, `over ${name}`).toBeLessThan(bound)
    },
    300_000,
  )

  const schemas = (Object.values(providers) as Provider[]).flatMap((provider) =>
    Object.entries(provider.operations).flatMap(([operation, { fields }]) =>
      Object.entries(fields.shape).map(([key, schema]) => [provider.id, operation, key, schema as z.ZodType] as const),
    ),
  )

  it.each(schemas)(
    '%s %s %s does not take long',
    async (_provider, _operation, _key, schema) => {
      const { ms, name } = await slowest((text) => [schema.safeParse(text), schema.safeParse([text, text])])
      expect(ms, `over ${name}`).toBeLessThan(bound)
    },
    300_000,
  )

  it.each((Object.values(providers) as Provider[]).map((provider) => [provider.id, provider] as const))(
    'the errors of %s do not take long to read',
    async (_, provider) => {
      const client = provider.client(z.any().parse(clientOf[provider.id] ?? { url, token: 'a' }))
      // What comes in is cut already; several of it may be put together.
      const { ms, name } = await slowest((text) => {
        const words = text.slice(0, 100_000)
        for (const body of bodiesOf(words)) {
          client.errorMessage(body)
          for (const status of [400, 404, 409, 500]) client.classify?.({ status, body })
        }
      })
      expect(ms, `over ${name}`).toBeLessThan(bound)
    },
    300_000,
  )
})

const url = 'https://provider.example'
/** Settings of providers whose connection asks for more than an address and a token. */
const clientOf: Record<string, object> = {
  'cloud-foundry': { url, clientId: 'a', clientSecret: 'b' },
  miget: { url, token: 'a', workspace: 'b' },
}
const bodiesOf = (words: string) => [
  { message: words, error: words, errors: words, detail: words, msg: words, code: 1, error_type: words },
  { errors: [{ title: words, detail: words }] },
]

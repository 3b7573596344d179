/** The check of each connection after a start: one line for each that does not answer, within seconds. */
import { describe, expect, it, test } from 'vitest'
import { warnUnreachable } from '../../src/doctor/connections.js'
import { explainSlackLog } from '../../src/doctor/problems.js'
import { ConnectionError } from '../../src/errors.js'
import * as listed from '../../src/providers/index.js'
import type { Connection, Picker, Provider } from '../../src/providers/provider.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'

/** A connection whose lists are all read by the same function. */
function connectionWith(name: string, read: Picker, { pickers, operations }: Provider = listed.hoody): Connection {
  const all = Object.fromEntries(Object.keys(pickers).map((picker) => [picker, read]))
  const connection = dummyConnection(dummyWorld(), name)
  return { ...connection, provider: { ...connection.provider, operations, pickers: all } }
}

async function linesAfterLookingAt(connections: readonly Connection[], withinMs = 60_000): Promise<string[]> {
  const lines: string[] = []
  await warnUnreachable(
    connections,
    {
      warn: (fields, message) => lines.push(`${message}: ${JSON.stringify(fields)}`),
      info: (message) => lines.push(message),
    },
    withinMs,
  )
  return lines
}

describe('after a start', () => {
  it('each connection that refuses or breaks is named once, and those that answer are counted', async () => {
    const lines = await linesAfterLookingAt([
      connectionWith('good', async () => []),
      connectionWith('junk', async () => {
        throw new ConnectionError('junk refused its credentials.', { status: 401 })
      }),
      connectionWith('odd', async () => {
        throw new TypeError('token-123 is not a function')
      }),
    ])
    expect(lines).toEqual([
      'a connection did not answer: {"connection":"junk","reason":"dummy.example: junk refused its credentials."}',
      'a connection did not answer: {"connection":"odd","reason":"Something broke on our side while reading odd (dummy.example)."}',
      '1 of 3 connections answered',
    ])
  })

  it('one that never answers is not waited for', async () => {
    const lines = await linesAfterLookingAt([connectionWith('mute', () => new Promise(() => {}))], 1)
    expect(lines[0]).toContain('mute did not answer within 0.001 s (dummy.example).')
    expect(lines[1]).toBe('0 of 1 connections answered')
  })

  it.each(Object.values(listed) as Provider[])(
    '$id is asked for one list, which needs no answers',
    async (provider) => {
      const asked: object[] = []
      const read: Picker = async (_api, values) => {
        asked.push(values)
        return []
      }
      await linesAfterLookingAt([connectionWith('one', read, provider)])
      expect(asked).toEqual([{}])
    },
  )
})

test('what the socket says of its token becomes a sentence, and all else stays', () => {
  const said = (code: string) =>
    `Failed to retrieve a new WSS URL (error: WebAPIPlatformError: An API error occurred: ${code})`
  expect(explainSlackLog(said('missing_scope'))).toContain(
    'Slack refuses SLACK_APP_TOKEN with "missing_scope". Generate',
  )
  expect(explainSlackLog(said('internal_error'))).toBe(said('internal_error'))
  expect(explainSlackLog('WebSocket error! (invalid_auth)')).toBe('WebSocket error! (invalid_auth)')
})

/** What the doctor says of Slack: tokens, scopes against manifest.yml, and the clock, at the sandbox's Slack. */
import { readFileSync } from 'node:fs'
import { type Logger, LogLevel } from '@slack/web-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../sandbox/free-port.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { checkClock } from '../../src/doctor/clock.js'
import { judgeScopes, neededScopes, optionalScopes } from '../../src/doctor/scopes.js'
import { checkSlack } from '../../src/doctor/slack.js'

const silent = () => {}
const logger: Logger = {
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  setLevel: silent,
  getLevel: () => LogLevel.ERROR,
  setName: silent,
}
const options = { groups: [], logger, now: Date.now }

let workspace: Workspace
beforeAll(async () => {
  workspace = await startWorkspace({ simulators: [] })
})
afterAll(() => workspace.close())

/** What it finds at the sandbox, or where these say. */
async function check(changed: { botToken?: string; appToken?: string; apiUrl?: string } = {}, now = Date.now) {
  const { SLACK_BOT_TOKEN: botToken = '', SLACK_APP_TOKEN: appToken = '', SLACK_API_URL: apiUrl = '' } = workspace.env
  const access = { botToken, apiUrl, mode: { kind: 'socket', appToken }, ...changed } as const
  const mode = { kind: 'socket', appToken: changed.appToken ?? appToken } as const
  return await checkSlack({ ...access, mode }, { ...options, now })
}

describe('at Slack', () => {
  it('tokens, scopes and the clock are all right', async () => {
    expect(await check()).toEqual([
      {
        check: 'slack bot token',
        result: 'ok',
        sentence: 'Slack accepts SLACK_BOT_TOKEN for https://woolworks.slack.com/.',
      },
      { check: 'slack scopes', result: 'ok', sentence: 'SLACK_BOT_TOKEN has the scopes that Dolly needs.' },
      { check: 'slack app token', result: 'ok', sentence: 'Slack accepts SLACK_APP_TOKEN.' },
      {
        check: 'clock',
        result: 'ok',
        sentence: expect.stringMatching(/^The clock of this machine and Slack's differ by \d s\.$/),
      },
    ])
  })

  it('refused tokens are named with what to do', async () => {
    const findings = await check({ botToken: 'xoxb-somebody-elses', appToken: 'xapp-1-somebody-elses' })
    expect(findings.map(({ check, result }) => [check, result])).toEqual([
      ['slack bot token', 'failed'],
      ['slack app token', 'failed'],
      ['clock', 'ok'],
    ])
    expect(findings[0]?.sentence).toBe(
      'Slack refuses SLACK_BOT_TOKEN with "invalid_auth". Copy it again from your Slack app.',
    )
  })

  it('a machine whose clock is ten minutes ahead or behind is told so', async () => {
    const off = async (ms: number) => (await check({}, () => Date.now() + ms)).at(-1)
    expect(await off(600_000)).toMatchObject({
      check: 'clock',
      result: 'warning',
      sentence: expect.stringMatching(
        /^The clock of this machine is (599|60\d) s ahead of Slack's\. Set it right with NTP/,
      ),
    })
    expect(await off(-600_000)).toMatchObject({
      result: 'warning',
      sentence: expect.stringContaining(" s behind Slack's."),
    })
  })

  it('a Slack that is away is named with its host and the cause', async () => {
    const host = `127.0.0.1:${await freePort()}`
    const findings = await check({ apiUrl: `http://${host}/api/` })
    expect(findings[0]).toEqual({
      check: 'slack bot token',
      result: 'failed',
      sentence: `Slack (${host}) couldn't be reached or gave no usable answer, so SLACK_BOT_TOKEN wasn't checked. ECONNREFUSED: nothing accepts connections there. Check the address and its port.`,
    })
    expect(findings.at(-1)).toMatchObject({ check: 'clock', result: 'warning' })
  })
})

describe('the scopes', () => {
  it('are those of manifest.yml, with the ones that are commented out as optional', () => {
    const text = readFileSync('manifest.yml', 'utf8')
    expect(parse(text).oauth_config.scopes.bot).toEqual(neededScopes)
    const all = parse(text.replaceAll(/# - (\w+:\w+)$/gm, '- $1')).oauth_config.scopes.bot
    expect(all).toEqual([...neededScopes, ...optionalScopes])
  })

  it('that are missing fail, each with what it is for', () => {
    const findings = judgeScopes(['users:read'], ['S1'])
    expect(findings.map(({ result }) => result)).toEqual(['failed', 'failed', 'failed'])
    expect(findings.map(({ sentence }) => /the scope (\S+)\./.exec(sentence)?.[1])).toEqual([
      'commands',
      'chat:write',
      'usergroups:read',
    ])
  })

  it('that Dolly never uses cause a warning, and optional ones are named', () => {
    expect(judgeScopes([...neededScopes, 'im:write', 'admin'], [])).toEqual([
      {
        check: 'slack scopes',
        result: 'ok',
        sentence: 'SLACK_BOT_TOKEN has the scopes that Dolly needs. Of the optional ones it has im:write.',
      },
      {
        check: 'slack scopes',
        result: 'warning',
        sentence: 'SLACK_BOT_TOKEN has scopes that Dolly never uses: admin. Remove them from the Slack app.',
      },
    ])
    expect(judgeScopes(['commands', 'chat:write', 'users:read'], [])).toMatchObject([{ result: 'ok' }])
  })

  it('that Slack does not tell cause a warning', () => {
    expect(judgeScopes(undefined, [])).toMatchObject([{ result: 'warning' }])
  })
})

it.each([
  { seconds: 59, mode: 'http', result: 'ok' },
  { seconds: -61, mode: 'http', result: 'warning' },
  { seconds: 301, mode: 'socket', result: 'warning' },
  { seconds: -301, mode: 'http', result: 'failed' },
] as const)('a clock that is $seconds s ahead is $result in $mode mode', ({ seconds, mode, result }) => {
  expect(checkClock(seconds * 1_000, mode).result).toBe(result)
})

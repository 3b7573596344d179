/** What Dolly learns of people from Slack: asked once, remembered for five minutes, and never guessed. */
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GROUPS } from '../../sandbox/slack/backend.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { missingScopes, People, type RequestTeams } from '../../src/slack/people.js'
import { silentLog } from '../helpers/house.js'
import { clientOptions } from '../sandbox/tiny-bot.js'

const [platform = ''] = Object.keys(GROUPS)

describe('people', () => {
  let workspace: Workspace
  /** Milliseconds by a clock that nobody sets. */
  let elapsed: number

  beforeEach(async () => {
    elapsed = 0
    workspace = await startWorkspace()
  })
  afterEach(() => workspace.close())

  function people(groups: readonly string[] = []): People {
    const slack = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
    return new People({ slack, team: async () => workspace.team.id, groups, elapsed: () => elapsed, log: silentLog })
  }
  /** As a request of the sandbox's own workspace has it. */
  const ours = () => ({ team: workspace.team.id })
  const standing = async (id: string, request: RequestTeams = ours()) => (await people().get(id, request)).standing
  const asked = (method = 'users.info') => workspace.calls(method).length

  it('are members, guests or strangers', async () => {
    const { ann, cleo, dora } = workspace.people
    expect(await standing(ann.id)).toBe('member')
    expect(await standing(cleo.id)).toBe('guest')
    expect(await standing(dora.id)).toBe('stranger')
    expect(await standing(workspace.bot.id)).toBe('stranger')
    expect(await standing('U0NOBODY')).toBe('stranger')
  })

  it('of another workspace are strangers, whoever they are there', async () => {
    const { ann } = workspace.people
    const { id } = workspace.team
    expect(await standing(ann.id, { team: id, userTeam: id })).toBe('member')
    expect(await standing(ann.id, { userTeam: id })).toBe('member')
    expect(await standing(ann.id, { team: id, userTeam: 'T0OTHER' })).toBe('stranger')
    expect(await standing(ann.id, { team: 'T0OTHER', userTeam: id })).toBe('stranger')
    expect(await standing(ann.id, {})).toBe('stranger')
    const slack = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
    const of = (team: string | undefined) =>
      new People({ slack, team: async () => team, groups: [], elapsed: () => elapsed, log: silentLog }).get(
        ann.id,
        ours(),
      )
    expect((await of('T0OTHER')).standing).toBe('stranger')
    expect((await of(undefined)).standing).toBe('stranger')
  })

  it('are asked for once, by however many at the same time, and again after five minutes', async () => {
    const { ann, bo } = workspace.people
    const known = people([platform])
    const all = await Promise.all([known.get(ann.id, ours()), known.get(ann.id, ours()), known.get(bo.id, ours())])
    expect(all.map(({ groups }) => groups)).toEqual([[platform], [platform], []])
    expect([asked(), asked('usergroups.users.list')]).toEqual([2, 1])
    elapsed = 5 * 60_000 - 1
    await known.get(ann.id, ours())
    expect([asked(), asked('usergroups.users.list')]).toEqual([2, 1])
    elapsed += 1
    await known.get(ann.id, ours())
    expect([asked(), asked('usergroups.users.list')]).toEqual([3, 2])
  })

  it('are forgotten after five minutes although the clock was set back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const known = people([platform])
      await known.get(workspace.people.ann.id, ours())
      vi.setSystemTime(Date.now() - 24 * 60 * 60_000)
      elapsed = 5 * 60_000
      await known.get(workspace.people.ann.id, ours())
      expect([asked(), asked('usergroups.users.list')]).toEqual([2, 2])
    } finally {
      vi.useRealTimers()
    }
  })

  it('have no groups that no rule names, and a group Slack does not know has nobody in it', async () => {
    const { ann } = workspace.people
    expect(await people().get(ann.id, ours())).toEqual({ id: ann.id, standing: 'member', groups: [] })
    expect(asked('usergroups.users.list')).toBe(0)
    expect(await people(['S0GONE', platform]).get(ann.id, ours())).toMatchObject({ groups: [platform] })
  })

  it('are unknown while Slack does not answer, and that is not remembered', async () => {
    const { ann } = workspace.people
    const known = people([platform])
    workspace.setSwitch('down', true)
    await expect(known.get(ann.id, ours())).rejects.toThrow()
    workspace.setSwitch('down', false)
    expect(await known.get(ann.id, ours())).toMatchObject({ standing: 'member', groups: [platform] })
  })
})

describe('scopes', () => {
  const all = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  it.each([
    { granted: all, groups: ['S1'], missing: [] },
    { granted: all.slice(0, 3), groups: [], missing: [] },
    { granted: undefined, groups: ['S1'], missing: [] },
    { granted: all.slice(0, 3), groups: ['S1'], missing: ['usergroups:read'] },
    { granted: all.slice(0, 2), groups: ['S1'], missing: ['users:read', 'usergroups:read'] },
  ])('$granted for rules with $groups lack $missing', ({ granted, groups, missing }) => {
    const sentences = missingScopes(granted, groups)
    expect(sentences.map((sentence) => /granted (\S+) to/.exec(sentence)?.[1])).toEqual(missing)
    for (const sentence of sentences)
      expect(sentence).toMatch(/Reinstall the app with that scope, as manifest\.yml has it\.$/)
  })
})

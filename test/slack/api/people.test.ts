/** What Dolly learns of people from Slack: asked once, remembered for five minutes, and never guessed. */
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GROUPS } from '../../../sandbox/slack/backend.js'
import { startWorkspace, type Workspace } from '../../../sandbox/slack/workspace.js'
import { missingScopes, People, type RequestTeams } from '../../../src/slack/api/people.js'
import { silentLog } from '../../helpers/context.js'
import { clientOptions } from '../../sandbox/tiny-bot.js'

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
  const membership = async (id: string, request: RequestTeams = ours()) => (await people().get(id, request)).membership
  const asked = (method = 'users.info') => workspace.calls(method).length

  it('are members, guests or strangers', async () => {
    const { ann, cleo, dora } = workspace.people
    expect(await membership(ann.id)).toBe('member')
    expect(await membership(cleo.id)).toBe('guest')
    expect(await membership(dora.id)).toBe('stranger')
    expect(await membership(workspace.bot.id)).toBe('stranger')
    expect(await membership('U0NOBODY')).toBe('stranger')
  })

  it('who ask for nothing now are looked up as if they did so in our workspace', async () => {
    const { ann, cleo, dora } = workspace.people
    const found = await Promise.all([ann, cleo, dora].map(({ id }) => people().lookUp(id)))
    expect(found.map((person) => person.membership)).toEqual(['member', 'guest', 'stranger'])
  })

  it('of another workspace are strangers, even if they are members there', async () => {
    const { ann } = workspace.people
    const { id } = workspace.team
    expect(await membership(ann.id, { team: id, userTeam: id })).toBe('member')
    expect(await membership(ann.id, { userTeam: id })).toBe('member')
    expect(await membership(ann.id, { team: id, userTeam: 'T0OTHER' })).toBe('stranger')
    expect(await membership(ann.id, { team: 'T0OTHER', userTeam: id })).toBe('stranger')
    expect(await membership(ann.id, {})).toBe('stranger')
    const slack = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
    const of = (team: string | undefined) =>
      new People({ slack, team: async () => team, groups: [], elapsed: () => elapsed, log: silentLog }).get(
        ann.id,
        ours(),
      )
    expect((await of('T0OTHER')).membership).toBe('stranger')
    expect((await of(undefined)).membership).toBe('stranger')
  })

  it('are who they are where Slack sends null for what it usually leaves out', async () => {
    const { id: team } = workspace.team
    const answer = {
      user: {
        id: null,
        team_id: team,
        deleted: null,
        is_bot: null,
        is_restricted: null,
        is_stranger: null,
        enterprise_user: null,
      },
    }
    const asked = (user: object) => {
      const slack = {
        users: { info: async () => ({ user: { ...answer.user, ...user } }) },
        usergroups: { users: { list: async () => ({ users: [] }) } },
      }
      return new People({ slack, team: async () => team, groups: [], elapsed: () => elapsed, log: silentLog }).get(
        'U1',
        ours(),
      )
    }
    expect(await asked({})).toEqual({ id: 'U1', membership: 'member', groups: [] })
    expect((await asked({ enterprise_user: { id: null, teams: null } })).membership).toBe('member')
    expect((await asked({ team_id: null, enterprise_user: { teams: [team] } })).membership).toBe('member')
    expect((await asked({ team_id: null })).membership).toBe('stranger')
    expect((await asked({ is_restricted: true })).membership).toBe('guest')
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
    expect(await people().get(ann.id, ours())).toEqual({ id: ann.id, handle: 'ann', membership: 'member', groups: [] })
    expect(asked('usergroups.users.list')).toBe(0)
    expect(await people(['S0GONE', platform]).get(ann.id, ours())).toMatchObject({ groups: [platform] })
  })

  it('are unknown while Slack does not answer, and that is not remembered', async () => {
    const { ann } = workspace.people
    const known = people([platform])
    workspace.setSwitch('down', true)
    await expect(known.get(ann.id, ours())).rejects.toThrow()
    workspace.setSwitch('down', false)
    expect(await known.get(ann.id, ours())).toMatchObject({ membership: 'member', groups: [platform] })
  })
})

describe('people of an organization with several workspaces', () => {
  /** Ours is T1; each person as `users.info` tells of them. */
  const profiles: Record<string, object> = {
    U1: { id: 'U1', team_id: 'T2', enterprise_user: { id: 'W1', enterprise_id: 'E1', teams: ['T2', 'T1'] } },
    U2: { id: 'U2', team_id: 'T2', enterprise_user: { id: 'W2', enterprise_id: 'E1', teams: ['T2', 'T3'] } },
    U3: { id: 'U3', team_id: 'T1', enterprise_user: { id: 'W3', enterprise_id: 'E1', teams: ['T1'] } },
    U4: { id: 'U4' },
    U5: { id: 'U5', team_id: 'T2', is_stranger: true, enterprise_user: { id: 'W5', teams: ['T1'] } },
    U6: { id: 'U6', team_id: 'T1', is_restricted: true, enterprise_user: { id: 'W6', teams: ['T1'] } },
    U7: { id: 'U7', team_id: 'T2', enterprise_user: {} },
    U8: { id: 'U8', team_id: 'T1' },
    W1: { id: 'U1', team_id: 'T2', enterprise_user: { id: 'W1', enterprise_id: 'E1', teams: ['T2', 'T1'] } },
  }
  const members: Record<string, string[]> = { S1: ['W1', 'U8'], S2: ['U1'], S3: ['U9'] }
  const people = () =>
    new People({
      slack: {
        users: { info: async ({ user }) => ({ user: profiles[user] }) },
        usergroups: { users: { list: async ({ usergroup }) => ({ users: members[usergroup] }) } },
      },
      team: async () => 'T1',
      groups: ['S1', 'S2', 'S3'],
      elapsed: () => 0,
      log: silentLog,
    })

  it.each<{ id: string; request: RequestTeams; membership: string }>([
    { id: 'U1', request: { team: 'T1', userTeam: 'T2' }, membership: 'member' },
    { id: 'U1', request: { team: 'T1' }, membership: 'member' },
    { id: 'U1', request: { team: 'T2', userTeam: 'T2' }, membership: 'stranger' },
    { id: 'U1', request: { team: 'T2', userTeam: 'T1' }, membership: 'stranger' },
    { id: 'U1', request: {}, membership: 'stranger' },
    { id: 'U2', request: { team: 'T1', userTeam: 'T2' }, membership: 'stranger' },
    { id: 'U2', request: { team: 'T1', userTeam: 'T1' }, membership: 'stranger' },
    { id: 'U3', request: { team: 'T1', userTeam: 'T1' }, membership: 'member' },
    { id: 'U4', request: { team: 'T1', userTeam: 'T1' }, membership: 'stranger' },
    { id: 'U4', request: {}, membership: 'stranger' },
    { id: 'U5', request: { team: 'T1', userTeam: 'T2' }, membership: 'stranger' },
    { id: 'U6', request: { team: 'T1' }, membership: 'guest' },
    { id: 'U7', request: { team: 'T1', userTeam: 'T2' }, membership: 'stranger' },
    { id: 'U8', request: { team: 'T1', userTeam: 'T1' }, membership: 'member' },
    { id: 'U8', request: { team: 'T1', userTeam: 'T2' }, membership: 'stranger' },
  ])('$id with a request of $request is a $membership', async ({ id, request, membership }) => {
    expect((await people().get(id, request)).membership).toBe(membership)
  })

  it('are in a group and in a rule by either of their ids', async () => {
    const request = { team: 'T1' }
    expect(await people().get('U1', request)).toMatchObject({ groups: ['S1', 'S2'], otherIds: ['W1'] })
    expect(await people().get('W1', request)).toMatchObject({ groups: ['S1', 'S2'], otherIds: ['U1'] })
    expect(await people().get('U3', request)).toMatchObject({ groups: [], otherIds: ['W3'] })
    expect(await people().get('U8', request)).toEqual({ id: 'U8', membership: 'member', groups: ['S1'] })
  })
})

describe('the channels somebody is in', () => {
  let workspace: Workspace
  let elapsed = 0
  beforeEach(async () => {
    elapsed = 0
    workspace = await startWorkspace({ scopes: ['chat:write', 'users:read', 'channels:read'] })
  })
  afterEach(() => workspace.close())

  /** @param scopes null where Slack did not say. */
  function people(scopes: readonly string[] | null = ['channels:read'], mayBeShared = false): People {
    const slack = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
    return new People({
      slack,
      team: async () => workspace.team.id,
      groups: [],
      channels: { list: (args) => slack.users.conversations(args), scopes: () => scopes ?? undefined, mayBeShared },
      elapsed: () => elapsed,
      log: silentLog,
    })
  }

  it('are theirs, shared or unconfirmed, asked once and again after five minutes', async () => {
    const { channels, people: all } = workspace
    await workspace.leave(channels.random.id, 'bo')
    workspace.share(channels.deploys.id)
    const known = people()
    const places = [channels.platform.id, channels.deploys.id, channels.random.id, all.ann.directChannel, 'G0OTHER']
    const statuses = await Promise.all(places.map((place) => known.channelStatus(all.bo.id, place)))
    expect(statuses).toEqual(['joined', 'shared', 'unconfirmed', 'unconfirmed', 'unconfirmed'])
    expect(workspace.calls('users.conversations')).toHaveLength(1)
    expect(await people(['channels:read'], true).channelStatus(all.bo.id, channels.deploys.id)).toBe('joined')

    await workspace.leave(channels.platform.id, 'bo')
    elapsed = 5 * 60_000
    expect(await known.channelStatus(all.bo.id, channels.platform.id)).toBe('unconfirmed')
  })

  it('are asked for no further than Slack granted', async () => {
    const { ann } = workspace.people
    const { platform } = workspace.channels
    for (const known of [people(null), people([]), people(['users:read'])]) {
      expect(known.choosableChannels).toBe('none')
      expect(await known.channelStatus(ann.id, platform.id)).toBe('unconfirmed')
    }
    expect(workspace.calls('users.conversations')).toEqual([])
    expect(people(['channels:read'], true).choosableChannels).toBe('all')
    // Granted at another time than it was asked: an error, which confirms nothing.
    await expect(people(['groups:read']).channelStatus(ann.id, platform.id)).rejects.toThrow('missing_scope')
  })

  it('are read page by page, up to a bound', async () => {
    const cursors: (string | undefined)[] = []
    const known = new People({
      slack: { users: { info: async () => ({}) }, usergroups: { users: { list: async () => ({}) } } },
      team: async () => 'T1',
      groups: [],
      channels: {
        list: async ({ cursor }) => {
          cursors.push(cursor)
          return { channels: [{ id: `C${cursors.length}` }], response_metadata: { next_cursor: 'again' } }
        },
        scopes: () => ['groups:read'],
        mayBeShared: false,
      },
      elapsed: () => 0,
      log: silentLog,
    })
    expect(await known.channelStatus('U1', 'C2')).toBe('joined')
    expect(await known.channelStatus('U1', 'C9')).toBe('unconfirmed')
    expect(cursors).toEqual([undefined, 'again', 'again', 'again', 'again'])
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
    expect(sentences.map((sentence) => /lacks the scope (\S+)\./.exec(sentence)?.[1])).toEqual(missing)
    for (const sentence of sentences)
      expect(sentence).toMatch(/Reinstall the Slack app with the scopes in manifest\.yml\.$/)
  })
})

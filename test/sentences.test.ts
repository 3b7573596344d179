/**
 * Every sentence that people read, in one file: test/sentences.snap. Read it as a person would; a sentence that sounds odd
 * there sounds odd in Slack. After a change run `npx vitest run --project fast test/sentences.test.ts -u`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { ActionsBlockElement, KnownBlock, ModalView, SectionBlockAccessory, TaskCardBlock } from '@slack/types'
import { expect, test } from 'vitest'
import { parseCommand } from '../src/commands/clone/command.js'
import { helpText } from '../src/commands/clone/help.js'
import { initialFormState } from '../src/commands/clone/open-form.js'
import { matchNames } from '../src/commands/clone/typed-names.js'
import { helpLines } from '../src/commands/help/help.js'
import { verbs } from '../src/commands/index.js'
import { allowances, Throttle, tooManyRequests } from '../src/commands/throttle.js'
import { type Config, ConfigError, loadConfig } from '../src/config/env.js'
import { NO_EXPIRY } from '../src/domain/expiry.js'
import type { EventKind, Job, State } from '../src/domain/job.js'
import { UserError } from '../src/errors.js'
import * as listed from '../src/providers/index.js'
import type { Connection, Operation, Provider } from '../src/providers/provider.js'
import { fieldErrors } from '../src/slack/form/answers.js'
import { fieldsOf } from '../src/slack/form/fields.js'
import { lastPageView, shownNames } from '../src/slack/form/last-page.js'
import { removalPage } from '../src/slack/form/removal-page.js'
import { settingsView } from '../src/slack/form/settings.js'
import { choiceView, formView, noticeOnTop, typeInstead } from '../src/slack/form/view.js'
import { homeView } from '../src/slack/message/home.js'
import { type JobView, oldRootMessage, rootMessage } from '../src/slack/message/job.js'
import { type JobListView, type ListFilter, listMessage, statusMessage } from '../src/slack/message/list.js'
import { replyMessage } from '../src/slack/message/reply.js'
import { unescapeSlack } from '../src/slack/text.js'
import { jobIn, start } from './helpers/job.js'
import { viewIn } from './helpers/job-view.js'
import { stringsIn } from './helpers/strings-in.js'

const providers: readonly Provider[] = Object.values(listed)
const root = new URL('../', import.meta.url)

test('every sentence is in test/sentences.snap, to be read in one sitting', async () => {
  const parts = [
    ['MESSAGES', messages()],
    ['FORMS', forms()],
    ['COMMANDS', commands()],
    ['WHAT STOPS THE START', configErrors()],
    ['ALL OTHER WORDS, AS THE SOURCE HAS THEM', sourceStrings()],
  ] as const
  const text = parts.map(([title, lines]) => `${heading(title)}\n${lines.join('\n')}\n`).join('\n\n')
  await expect(text).toMatchFileSnapshot('./sentences.snap')
})

const heading = (title: string) => `${'='.repeat(100)}\n${title}\n${'='.repeat(100)}`
const section = (title: string, lines: readonly string[]) => [`\n# ${title}`, ...lines.filter(Boolean)]

/* ---- messages ---- */

const links = { url: 'https://shop-copy.example', consoleUrl: 'https://console.example/shop-copy' }
const approval = {
  by: ['U2', 'S3'],
  count: 1,
  expiresAt: start + 4 * 3_600_000,
  copied: 'The whole disk',
  notCopied: 'Snapshots and shares',
  warning: 'The copy holds the data of production.',
}
const made = { ref: { id: '1' } }
const secondStep = { step: 'start', ...made }

/** Jobs in each state, with what makes their message differ. */
const jobs: Readonly<Record<State, Readonly<Record<string, Partial<Job>>>>> = {
  awaiting_approval: {
    'that one person must approve': { attempt: 0, approval },
    'that two people must approve': { attempt: 0, approval: { ...approval, count: 2, warning: null } },
  },
  queued: {
    'just asked for': { attempt: 0 },
    'that the provider keeps waiting': { detail: 'The project has another task in progress.', dueAt: start + 60_000 },
    'that cannot go on': { strandedSince: start, detail: 'dolly.yml no longer has the connection hoody-prod.' },
  },
  starting: {
    'whose write is under way': {},
    'whose answer was lost': { waitingSince: start, detail: 'The connection was reset.', canDismiss: true },
    'that is being stopped at its last step': { ...secondStep, cancelRequestedBy: 'U2' },
  },
  working: {
    'that the provider works on': { detail: 'Copying the disk.', ...made },
    'in its last step, muted': { ...secondStep, isMuted: true },
    'whose provider does not answer': { unreachableSince: start - 600_000, detail: 'hoody-prod answered 503.' },
    'that is being stopped': { ...made, cancelRequestedBy: 'U2' },
  },
  uncertain: { 'that a person must decide': { detail: 'Three projects have a container of that name.' } },
  succeeded: {
    'with links': { ...made, ...links },
    'with a remark': { ...made, detail: 'finished, but the container is stopped' },
    'whose clone expires': { ...made, ...links, expiresAt: start + 86_400_000 },
    'whose clone is being deleted': { ...made, ...links, removalJob: 'aaaaa' },
    'whose clone was deleted': { ...made, ...links, removalJob: 'aaaaa', removedAt: start + 86_400_000 },
  },
  failed: {
    'before anything was sent': { attempt: 0, detail: 'The name is taken.' },
    'in its first step': { detail: 'The disk is full.' },
    'in its first step, halfway': {
      ...made,
      detail: 'The disk is full.',
      deadlineAt: start,
      expiresAt: start + 86_400_000,
    },
    'in its second step': { ...secondStep, ...links, detail: 'The disk is full.', deadlineAt: start },
    'whose personal answers are gone': { ...secondStep, detail: 'The disk is full.', isPersonalGone: true },
  },
  timed_out: { 'after its deadline': { ...made, deadlineAt: start, detail: 'Copying the disk.' } },
  cancelled: {
    'before anything was sent': { attempt: 0 },
    'between two steps': { ...secondStep, attempt: 0 },
    'while the provider works on it': { ...made, deadlineAt: start },
    'while its outcome was unknown': {},
  },
  denied: { 'by an approver': { attempt: 0, approval } },
  expired: { 'without an answer': { attempt: 0, approval } },
}

/** What each event may say beside its kind. */
const events: Readonly<Record<EventKind, { detail?: string; actor?: string }>> = {
  queued: {},
  step_started: {},
  step_accepted: {},
  postponed: { detail: 'The project has another task in progress.' },
  answer_lost: { detail: 'The connection was reset.' },
  found: {},
  absent: {},
  uncertain: { detail: 'Three projects have a container of that name.' },
  progress: { detail: 'Copying the disk.' },
  unreachable: { detail: 'hoody-prod answered 503.' },
  reachable: {},
  step_done: { detail: 'It has the address shop-copy.example.' },
  succeeded: { detail: 'It runs.' },
  failed: { detail: 'The disk is full.' },
  timed_out: {},
  checked_again: { actor: 'U2' },
  started_over: { actor: 'U2' },
  cancelled: { actor: 'U2' },
  approval_requested: {},
  approval_given: { actor: 'U2' },
  approved: { actor: 'U2' },
  denied: { actor: 'U2' },
  expired: {},
  tried_again: { actor: 'U2' },
  cancel_requested: { actor: 'U2' },
  muted: { actor: 'U2' },
  unmuted: { actor: 'U2' },
  removal_started: { actor: 'U2' },
  removal_ended: {},
  removed: {},
  expiry_near: { detail: 'delete' },
  expiry_reached: { detail: 'ask' },
  extended: { actor: 'U2' },
  unsettled: {},
  reminder: {},
  stranded: { detail: 'dolly.yml no longer has the connection hoody-prod.' },
}

const jobView = (state: State, rest: Partial<Job> = {}, more: Partial<JobView> = {}) =>
  viewIn(state, rest, {
    typicalMs: 150_000,
    mustDeleteFirst: rest.ref !== undefined && rest.step === undefined,
    ...more,
  })

function messages(): string[] {
  const shown = ({ text, blocks }: { text: string; blocks: KnownBlock[] }) => [
    ...linesOf(blocks),
    `Read aloud: ${text}`,
  ]
  const roots = Object.entries(jobs).flatMap(([state, variants]) =>
    Object.entries(variants).flatMap(([which, rest]) =>
      section(`Message, ${state}: a job ${which}`, shown(rootMessage(jobView(state as State, rest)))),
    ),
  )
  const removal = { removes: 'aaaaa', step: 'remove', ...made }
  const steps = new Map([['remove', { title: 'Delete the container', doing: 'Deleting the container' }]])
  const removals = (['working', 'succeeded', 'failed', 'timed_out', 'cancelled'] as const).flatMap((state) => {
    const rest = { ...removal, detail: state === 'failed' ? 'It has a lock.' : null }
    return section(`Message, ${state}: a removal`, shown(rootMessage(jobView(state, rest, { steps }))))
  })
  const moved = { thread: { channel: 'D1', ts: '1.0' } }
  const { plainBlocks = [], text } = rootMessage(jobView('working', { detail: 'Copying the disk.' }))
  const update = jobView('succeeded', {}, { hasRemoval: false })
  const approvals = jobs.awaiting_approval['that two people must approve']
  const half = jobView('awaiting_approval', approvals, { approvedBy: ['U2'] })
  const deletedLater = jobView('succeeded', { expiresAt: start + 86_400_000 }, { isDeletedAtEnd: true })
  const others = [
    ...section('Message, succeeded: a job whose clone is deleted when it expires', shown(rootMessage(deletedLater))),
    ...section('Message, awaiting_approval: a job that one of two has approved', shown(rootMessage(half))),
    ...section('The message of an operation that brings something up to date', shown(rootMessage(update))),
    ...section('A message where Slack has no plans', shown({ text, blocks: plainBlocks })),
    ...section('A message that may appear twice', shown(rootMessage(jobView('working', {}, { mayAppearTwice: true })))),
    ...section('A message that had to go elsewhere', shown(rootMessage(jobView('working', {}, moved)))),
    ...section('The old message of a thread that moved', shown(oldRootMessage(jobView('working', {}, moved), true))),
    ...section('The same once the job has ended', shown(oldRootMessage(jobView('failed', {}, moved), true))),
    ...section('The same where Slack takes no message', shown(oldRootMessage(jobView('failed', {}, moved), false))),
  ]
  const replies = Object.entries(events).flatMap(([kind, { detail = null, actor = null }]) => {
    const event = { jobId: 'k7f3q', seq: 4, kind: kind as EventKind, at: start + 12_000, step: 'copy', detail, actor }
    const state = kind.startsWith('expiry') ? 'succeeded' : 'working'
    const reply = replyMessage(jobView(state, { mentionOnSuccess: true, expiresAt: start + 86_400_000 }), event)
    return reply ? [`${kind}: ${reply.text}`, ...linesOf(reply.blocks.slice(1))] : [`${kind}: (no reply)`]
  })
  return [...roots, ...removals, ...others, ...section('Replies in the thread, by event', replies), ...lists()].map(
    asShown,
  )
}

/** Lists, one job's status, and the Home tab. */
function lists(): string[] {
  const link = 'https://woolworks.slack.com/archives/C1/p1'
  const states: State[] = ['awaiting_approval', 'working', 'uncertain', 'succeeded', 'failed', 'cancelled', 'denied']
  const all = states.map((state) => ({ ...jobView(state), link }))
  const now = start + 7_200_000
  const page = (filter: ListFilter, which: typeof all, rest: Partial<JobListView> = {}) => {
    const { text, blocks } = listMessage({ filter, page: 0, pages: 1, jobs: which, isCut: false, now, ...rest })
    return [...linesOf(blocks), `Read aloud: ${text}`]
  }
  const status = statusMessage(jobView('working'), link)
  const none = { jobs: [], more: 0 }
  const empty = { needsYou: none, running: none, recent: none, expiring: none, presets: [], schedules: [] }
  const home = { ...empty, help: ['(help)'], closed: null, now }
  const some = { ...home, needsYou: { jobs: all.slice(2, 3), more: 0 }, running: { jobs: all.slice(1, 2), more: 7 } }
  const presets = [{ id: 'p1', name: 'nightly', what: 'shop-api → shop-copy' }]
  const full = { ...some, presets, schedules: ['• nightly  ·  every day at 2:00'] }
  return [
    ...section('list', page({ which: 'mine' }, all, { pages: 2 })),
    ...section('list, the last page', page({ which: 'all', person: 'U2' }, [], { page: 1, pages: 2, isCut: true })),
    ...section('list running', page({ which: 'running', connection: 'hoody-prod' }, [])),
    ...section('status', [...linesOf(status.blocks), `Read aloud: ${status.text}`]),
    ...section('Home, for the first time', linesOf(homeView(home).blocks)),
    ...section('Home', linesOf(homeView(full).blocks)),
  ]
}

/* ---- forms ---- */

/** Views may hold blocks that Slack's types do not know yet; ours never do. */
function isKnown(block: ModalView['blocks'][number]): block is KnownBlock {
  return ['input', 'header', 'section', 'context', 'actions', 'plan'].includes(block.type)
}

/** What a person reads in blocks, line by line. */
function linesOf(blocks: ModalView['blocks']): string[] {
  return blocks.filter(isKnown).flatMap((block): string[] => {
    if (block.type === 'input') {
      const { element, hint } = block
      const choices = 'options' in element && element.options ? element.options : []
      const groups = 'option_groups' in element && element.option_groups ? element.option_groups : []
      return [
        `${block.label.text}${block.optional ? ' (optional)' : ''}`,
        ...('placeholder' in element && element.placeholder ? [`    [${element.placeholder.text}]`] : []),
        ...[...choices, ...groups.flatMap((group) => group.options)].map(({ text }) => `    ( ) ${text.text}`),
        ...(hint ? [`    ${hint.text}`] : []),
      ]
    }
    if (block.type === 'header') return [`*${block.text.text}*`]
    if (block.type === 'section') {
      return [...(block.text?.text ?? '').split('\n'), ...(block.accessory ? choiceLines([block.accessory]) : [])]
    }
    if (block.type === 'plan') return [block.title, ...(block.tasks ?? []).map(taskLine)]
    if (block.type === 'context') return block.elements.map((element) => ('text' in element ? element.text : ''))
    return block.type === 'actions' ? choiceLines(block.elements) : []
  })
}

function choiceLines(elements: readonly (ActionsBlockElement | SectionBlockAccessory)[]): string[] {
  return elements.flatMap((element) => {
    if (element.type === 'overflow') return element.options.map(({ text }) => `    […] ${text.text}`)
    if (element.type !== 'button') return []
    const { confirm } = element
    const parts = [confirm?.title?.text, confirm?.text.text, confirm?.confirm?.text, confirm?.deny?.text]
    return [`[${element.text.text}]${confirm ? `  asks: ${parts.join(' / ')}` : ''}`]
  })
}

/** "(in_progress) Copy the container: Running since 09:13 UTC". */
function taskLine(task: object): string {
  const { title, status, details } = task as TaskCardBlock
  const [said] = details?.elements ?? []
  const words = said?.type === 'rich_text_section' ? said.elements : []
  const text = words.map((one) => (one.type === 'text' ? one.text : one.type === 'date' ? one.fallback : '')).join('')
  return `(${status}) ${title}${text === '' ? '' : `: ${text}`}`
}

function viewLines({ title, blocks, submit, close }: ModalView): string[] {
  return [`~ ${title.text} ~`, ...linesOf(blocks), `[${close?.text}]${submit ? ` [${submit.text}]` : ''}`]
}

const unused = async (): Promise<never> => {
  throw new Error('No request is made here.')
}
const api = { get: unused, post: unused, put: unused, patch: unused, delete: unused }
const connections: readonly Connection[] = providers.map((provider) => ({
  name: `${provider.id}-prod`,
  provider,
  host: 'api.example.com',
  api,
  expiry: NO_EXPIRY,
}))
const from = { channel: 'C1', opening: '' }

function forms(): string[] {
  const choices = connections.map(({ name, provider }) => ({
    connection: name,
    provider: provider.name,
    operations: Object.entries(provider.operations).map(([id, { title }]) => ({ id, title })),
  }))
  const pages = connections.flatMap((connection) =>
    Object.entries(connection.provider.operations).flatMap(([id, operation]) => pagesOf(connection, id, operation)),
  )
  const reason = 'Hoody refused the list (403). Tell #platform.'
  return [
    ...section('Page 1', viewLines(choiceView(choices, { ...from, values: {} }))),
    ...pages,
    ...section(
      'Settings',
      viewLines(
        settingsView(
          { tell: 'failure', place: 'here' },
          { id: 'C1', settings: {}, connections: ['hoody-prod'], presets: ['nightly-shop'] },
          'key',
        ),
      ),
    ),
    ...section('A field without its list', [
      typeInstead({ reason, isTransient: false }),
      typeInstead({ reason: "Hoody can't load the list right now (503).", isTransient: true }),
    ]),
    ...section('After too many clicks', [
      ...viewLines(
        noticeOnTop(
          'Please wait',
          tooManyRequests(new Throttle(allowances.notice).take('U1', 0).waitMs + 4_000, 'try again'),
        ),
      ),
    ]),
    ...section('Names that were typed', typedNames()),
  ].map(asShown)
}

function pagesOf(connection: Connection, id: string, operation: Operation): string[] {
  const { name, provider } = connection
  const removal = (operationId: string, isForRetry: boolean) => {
    const job = jobIn(isForRetry ? 'failed' : 'succeeded', {
      connection: name,
      operation: operationId,
      target: 'shop-copy in staging',
    })
    const loses = operation.removal?.loses ?? ''
    return viewLines(removalPage(job, connection, { loses, notes: [], opening: '', isForRetry }))
  }
  const state = { ...initialFormState(name, id, from), choosableChannels: 'inside' as const }
  const lastPages = [true, false].map((isYes) => {
    const { params, named, picked } = sample(operation, isYes)
    const answers = { values: {}, named, picked, channel: 'C1', mentionOnSuccess: false }
    const target = { connection: { name, provider, api }, operation, operationId: id }
    const checked = { isChecked: true, errors: {}, warnings: [] } as const
    return viewLines(lastPageView(target, params, shownNames(answers), 'key', checked))
  })
  const [everything = [], nothing = []] = lastPages
  return [
    ...section(`${name} ${id}: page 2`, viewLines(formView(operation, state, provider.name))),
    ...(operation.removal
      ? [
          ...section(`${name} ${id}: the page that asks before it is deleted`, removal(id, false)),
          // These words are the same everywhere.
          ...(id === 'copy' ? section(`${name} ${id}: the same before it is tried again`, removal(id, true)) : []),
        ]
      : []),
    ...section(`${name} ${id}: what a field says about a wrong answer`, wrongAnswers(operation)),
    ...section(`${name} ${id}: last page with every choice made`, everything),
    ...section(
      `${name} ${id}: last page with as few as possible, where it differs`,
      nothing.filter((line) => !everything.includes(line)),
    ),
  ]
}

/** Answers to every question, with yes or no to each that can be answered so, and the words for them. */
function sample(operation: Operation, isYes: boolean) {
  const fields = fieldsOf(operation)
  const params = fields.map(({ key, kind, choices }) => {
    if (kind === 'yes-no') return [key, isYes]
    if (kind === 'pickers') return [key, isYes ? ['one/1', 'two/2'] : []]
    if (kind === 'choice') return [key, choices.at(isYes ? 0 : -1)?.value]
    return [key, kind === 'number' ? 1 : isYes ? 'terraform/x' : 'helm/x']
  })
  const several = ['first', 'second'].map((label) => ({ value: label, label }))
  const picked = fields.flatMap(({ key, kind }) => (kind === 'pickers' && isYes ? [[key, several]] : []))
  const named = fields.map(({ key, kind }) => [key, kind === 'pickers' ? 'first, second' : `<${key}>`])
  return { params: Object.fromEntries(params), named: Object.fromEntries(named), picked: Object.fromEntries(picked) }
}

/** What a form can send of the right kind and with a wrong content. */
function wrongAnswers(operation: Operation): string[] {
  const texts = ['', ' ', '-Wrong- Answer!', 'x'.repeat(5_000), '0']
  const lines = fieldsOf(operation).flatMap(({ key, title, kind }) => {
    const wrong = kind === 'yes-no' ? [] : kind === 'number' ? [-1, 1e9] : kind === 'pickers' ? [['x']] : texts
    return [undefined, ...wrong].flatMap((value) => {
      const values = value === undefined ? {} : { [key]: value }
      const { error } = operation.fields.safeParse(values)
      const sentence = error && fieldErrors(error, values)[key]
      return sentence === undefined ? [] : [`${title}: ${sentence}`]
    })
  })
  return [...new Set(lines)]
}

function typedNames(): string[] {
  const options = ['shop-api', 'shop-web', 'billing', 'Billing'].map((label, at) => ({ value: `id-${at}`, label }))
  const typed = ['shpo-api', 'shop', 'bill', 'BILLING', ':sheep:', 'a'.repeat(300), 'nothing like it at all']
  return typed.map((one) => {
    const [match] = matchNames(options, [one])
    return `${one.slice(0, 30)} → ${match && ('problem' in match ? match.problem : match.option.label)}`
  })
}

/* ---- commands ---- */

function commands(): string[] {
  const byName = new Map(connections.map((connection) => [connection.name, connection]))
  const [hoody] = connections.filter(({ provider }) => provider.id === 'hoody')
  const mine = new Map(hoody ? [[hoody.name, hoody]] : [])
  const asker = { id: 'U1', membership: 'member', groups: [], channel: 'C1' } as const
  const everything = { owner: '#platform', rules: [{ who: ['members'], may: ['*'], on: ['*'], target: ['*'] }] }
  const nothing = { ...everything, rules: [] }
  const typed = [
    'stauts',
    'hoody-prd copy',
    'hoody-prod copy shop-api',
    'hoody-prod cpoy',
    'hoody-prod copy nam=shop',
    'hoody-prod copy name=a name=b',
    'hoody-prod copy name="shop',
    'hoody-prod copy firewall=perhaps',
    'hoody-prod copy name="shop copy"',
    'name=shop',
    'help stauts',
    `hoody-prod copy name=${'x'.repeat(2_000)}`,
  ]
  const answers = typed.map((text) => {
    const command = `/clone-app ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`
    try {
      const { kind } = parseCommand(text, byName)
      return [command, `    (${kind === 'form' ? 'opens the form' : kind})`]
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return [command, `    ${error.message}`, ...(error.instead === undefined ? [] : [`    ${error.instead}`])]
    }
  })
  const refused = parseCommand('cloud-foundry-prod', mine, byName)
  return [
    ...section('Help', helpLines(verbs, { access: everything, connections: byName }, asker)),
    ...section(
      'Help for somebody who can do nothing',
      helpLines(verbs, { access: nothing, connections: byName }, asker),
    ),
    ...section(
      'All commands',
      verbs.map(({ usage, does }) => `${usage} – ${does}`),
    ),
    ...section('Help for an operation that several connections have', helpText(connections).split('\n')),
    ...connections.flatMap((one) => section(`Help for ${one.name}`, helpText([one]).split('\n'))),
    ...section('What is typed and what is answered', answers.flat()),
    ...section('What is not allowed', [refused.kind === 'refused' ? refused.act : '']),
  ].map(asShown)
}

/* ---- the start ---- */

function configErrors(): string[] {
  const good = ['connections:', '  farm:', '    provider: hoody', '    token: "0123456789"']
  const open = 'access: [{ who: members, may: "*", on: "*" }]'
  const rule = (words: string) => [...good, `access: [{ ${words} }]`]
  const files: Readonly<Record<string, readonly string[]>> = {
    'an empty file': [],
    'a list': ['- farm'],
    'no connection': ['connections: {}', open],
    'no rules': good,
    'an unknown key': [...good, open, 'conections: {}'],
    'a connection that is a word': ['connections:', '  farm: hoody', open],
    'a connection with a bad name': ['connections:', '  Farm 1:', ...good.slice(2), open],
    'an unknown provider': ['connections:', '  farm:', '    provider: hodoy', open],
    'a missing token': ['connections:', '  farm:', '    provider: hoody', open],
    'a short token': [...good.slice(0, 3), '    token: "0123"', open],
    'a wrong key': [...good, '    tokn: x', open],
    'an unsafe address': [...good, '    url: http://hoody.example', open],
    'a variable that is not set': [...good.slice(0, 3), `    token: \${HOODY_TOKEN}`, open],
    'a reference that is none': [...good.slice(0, 3), `    token: "\${hoody-token}"`, open],
    'an expiry that is no time': [...good, '    expiry: { default: soon }', open],
    'an expiry longer than the longest': [...good, '    expiry: { default: 8d, max: 7d }', open],
    'an expiry that is a word': [...good, '    expiry: 7d', open],
    'an expiry with a wrong end': [...good, '    expiry: { then: remove }', open],
    'a wrong interval': [...good, open, 'poll: { everySeconds: 0 }'],
    'a poll that is a number': [...good, open, 'poll: 5'],
    'a wrong yes or no': [...good, open, 'sharedChannels: maybe'],
    'a wrong owner': [...good, open, 'owner: 5'],
    'rules that are no list': [...good, 'access: { who: members }'],
    'a rule that is a word': [...good, 'access: [members]'],
    'a rule without who': rule('may: "*", on: "*"'),
    'a rule for nobody': rule('who: [], may: "*", on: "*"'),
    'a rule for somebody unknown': rule('who: "#platform", may: "*", on: "*"'),
    'a rule for a misspelt operation': rule('who: members, may: cpoy, on: "*"'),
    'a rule for an operation of another provider': rule('who: members, may: clone, on: farm'),
    'a rule for no connection': rule('who: members, may: copy, on: fram'),
    'a rule with an unknown key': rule('who: members, may: copy, on: farm, targt: x'),
    'a rule with an id': rule('who: members, may: copy, on: farm, target: 65fe0000000000000000abcd'),
    'a rule whose approval is a word': rule('who: members, may: copy, on: farm, approval: S0PLATFORM'),
    'a rule whose approval nobody can give': rule('who: members, may: copy, on: farm, approval: { by: [] }'),
    'a rule whose approval a channel gives': rule('who: members, may: copy, on: farm, approval: { by: C0PLATFORM }'),
    'a rule whose approval takes no number': rule(
      'who: members, may: copy, on: farm, approval: { by: members, count: x }',
    ),
    'a rule whose approval takes too many': rule(
      'who: members, may: copy, on: farm, approval: { by: U0ADA00, count: 2 }',
    ),
    'a rule whose approval has no time': rule(
      'who: members, may: copy, on: farm, approval: { by: members, expires: 1m }',
    ),
    'a rule whose approval has no effect': rule('who: members, may: [], on: farm, approval: { by: members }'),
    'a warning: a rule that lets people approve': rule('who: members, may: [copy, approve], on: farm'),
    'a rule that never decides': [
      ...good,
      'access:',
      '  - { who: members, may: "*", on: "*" }',
      '  - { who: members, may: [], on: farm }',
    ],
    'a star without quotes': [...good, 'access: [{ who: members, may: *, on: farm }]'],
    'a tab': ['connections:', '\tfarm: 1'],
    'a warning: a target without from': rule('who: members, may: copy, on: farm, target: "* in staging"'),
    'a warning: a rule that refuses a target without from': rule(
      'who: members, may: [], on: farm, target: "* in production"',
    ),
    'a warning: a token that others may read': [...good, open],
  }
  const env = { SLACK_BOT_TOKEN: 'xoxb-1-bot', SLACK_APP_TOKEN: 'xapp-1-app' }
  const load = (
    lines: readonly string[],
    rights = 0o600,
    variables: Record<string, string | undefined> = env,
  ): Config => loadConfig({ env: variables, readFile: () => lines.join('\n'), rightsOf: () => rights, providers })
  const found = Object.entries(files).flatMap(([which, lines]) =>
    section(
      which,
      problemsOf(() => load(lines, which.includes('others may read') ? 0o644 : 0o600)),
    ),
  )
  const wrong = [
    'SLACK_BOT_TOKEN',
    'SLACK_APP_TOKEN',
    'SLACK_SIGNING_SECRET',
    'PORT',
    'METRICS_PORT',
    'METRICS_HOST',
    'SLACK_API_URL',
    'DATABASE_URL',
    'LOG_LEVEL',
    'DOLLY_CONFIG',
  ]
  const environment = wrong.flatMap((name) => problemsOf(() => load([...good, open], 0o600, { ...env, [name]: ' ' })))
  const none = problemsOf(() => load([...good, open], 0o600, { SLACK_BOT_TOKEN: 'xoxb-1-bot' }))
  const missing = problemsOf(() =>
    loadConfig({
      env,
      providers,
      readFile: () => {
        throw Object.assign(new Error('gone'), { code: 'ENOENT' })
      },
    }),
  )
  return [...section('the environment', [...environment, ...none]), ...section('no file', missing), ...found]
}

function problemsOf(read: () => Config): string[] {
  try {
    return read().warnings.map((warning) => `Warning: ${warning}`)
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems]
    throw error
  }
}

/* ---- everything else ---- */

/** Strings of several words, by file. Sentences that only come up when something breaks are found nowhere else. */
function sourceStrings(): string[] {
  const files = readdirSync(new URL('src', root), { recursive: true }).map(String)
  const sources = files.filter((file) => file.endsWith('.ts') && !file.includes('migrations/')).sort()
  return sources.flatMap((file) => {
    const code = readFileSync(new URL(`src/${file}`, root), 'utf8')
    // Three words, or a whole sentence of fewer with what is filled in.
    const lines = stringsIn(code, file).filter((text) =>
      /\p{L}\S* .*\p{L}\S* .*\p{L}|^\p{Lu}\p{L}+\S* .*…\.$/su.test(text),
    )
    return lines.length === 0 ? [] : section(`src/${file}`, [...new Set(lines)])
  })
}

/** As Slack shows it: escapes undone, times in words. */
function asShown(line: string): string {
  return unescapeSlack(
    line.replaceAll(/<!date\^\d+\^[^|]*\|([^>]*)>/g, '$1').replaceAll(/<(https:[^|>]*)\|([^>]*)>/g, '$2 ($1)'),
  )
}

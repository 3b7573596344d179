import type { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { newId } from '../../sandbox/providers/hoody-world.js'
import { TEAM } from '../../sandbox/slack/backend.js'
import type { Draft } from '../../src/commands/clone/form-submit.js'
import { callbacks } from '../../src/slack/form/view.js'
import { openDatabase } from '../../src/store/database.js'
import { saveDraft } from '../../src/store/drafts.js'
import { commandBody, newAgent, openBots, personOf, sendSigned } from '../bots.js'
import { inTurn, quantile, timed } from '../in-turn.js'
import type { Row } from '../row.js'

/** Between two submissions, in milliseconds: time for what follows the last one. */
const PAUSE_MS = 200
const SETTLE_MS = 2_000
/** Dolly bounds how often one person may submit. */
const SUBMISSIONS_PER_PERSON = 20

export const row: Row = {
  title: 'submission: signed POST → job durable → ack',
  maxMs: 120_000,
  async measure({ isQuick }) {
    const [rounds, submissions] = isQuick ? [1, 20] : [5, 30]
    const hoody = await startHoody({ count: submissions * (rounds + 1) })
    const bots = await openBots([hoody])
    const [dolly, bolt] = [await bots.start('dolly'), await bots.start('boltWithWrite')]
    const db = await openDatabase(bots.database)
    const agent = newAgent(1)
    // People open a form before they submit it, so Dolly has already asked Slack who they are.
    const people = Math.ceil((submissions * (rounds + 1)) / SUBMISSIONS_PER_PERSON)
    for (let person = 0; person < people; person += 1) await sendSigned(dolly.port, agent, commandBody(person))
    await delay(SETTLE_MS)
    let forms = 0

    async function submit(port: number): Promise<number[]> {
      const all: number[] = []
      for (let count = 0; count < submissions; count += 1) {
        forms += 1
        all.push(await submitForm(port, forms, people))
        await delay(PAUSE_MS)
      }
      return all
    }

    async function submitForm(port: number, form: number, people: number): Promise<number> {
      const person = personOf(form % people)
      const draft = port === dolly.port ? await saveDraft(db, 'answers', person, draftOf(form), Date.now()) : 'none'
      return await timed(() => answered(port, agent, bodyOf(form, person, draft)))
    }

    const all = await inTurn(rounds, { dolly: () => submit(dolly.port), bolt: () => submit(bolt.port) })
    const { count } = await db
      .selectFrom('jobs')
      .select((job) => job.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (count !== submissions * (rounds + 1)) throw new Error(`${count} jobs came of the submissions.`)
    agent.destroy()
    await db.destroy()
    await bots.close()
    await hoody.close()
    return [['p50', 0.5] as const, ['p99', 0.99] as const].map(([name, share]) => ({
      what: name,
      ours: quantile(all.dolly.flat(), share),
      theirs: quantile(all.bolt.flat(), share),
      unit: 'ms',
      against: 'bare Bolt and one FULL transaction of better-sqlite3',
      goal: { atMost: 1.5 },
      why: 'A SQLite file at synchronous=FULL for both. Dolly reads the draft, checks rules and the place of the thread, and writes job, event, message, audit and the used-up draft in its one transaction; the jobs of earlier submissions are carried out meanwhile.',
    }))
  },
}

/** The answers of a form that was opened by a shortcut: the ack doesn't wait for the thread to begin. */
function draftOf(form: number): Draft {
  const values = {
    container: newId(5, 1),
    project: newId(2, form + 2),
    name: `copy-${form}`,
    firewall: true,
    network: true,
  }
  const named = { container: 'shop-api', project: 'staging', name: values.name, 'container.from': 'production' }
  return {
    connection: 'hoody',
    operation: 'copy',
    values,
    named,
    shown: named,
    channel: 'mine',
    askedIn: null,
    keepForMs: null,
    mentionOnSuccess: false,
    isNamedByProvider: true,
    isValidated: true,
    warnings: [],
    templates: {},
  }
}

function bodyOf(form: number, person: string, draft: string): string {
  const view = {
    id: `V${form}`,
    root_view_id: `V${form}`,
    type: 'modal',
    callback_id: callbacks.preview,
    private_metadata: draft,
    blocks: [],
    state: { values: {} },
    hash: '1',
  }
  const payload = {
    type: 'view_submission',
    user: { id: person, username: 'somebody', name: 'somebody', team_id: TEAM.id },
    team: { id: TEAM.id, domain: TEAM.domain },
    api_app_id: 'A00000DOLLY',
    enterprise: null,
    is_enterprise_install: false,
    trigger_id: `${form}.1.a`,
    view,
    response_urls: [],
  }
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
}

/** @throws if the form doesn't close, because no job came of it. */
async function answered(port: number, agent: Agent, body: string): Promise<void> {
  const answer = await sendSigned(port, agent, body)
  if (!answer.includes('"clear"')) throw new Error(`The form was answered with ${answer}.`)
}

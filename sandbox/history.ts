/** What happened in the demo before somebody opens it, so that there is something to follow, approve, extend and repeat. */
import type { Actor } from './slack/person.js'
import type { Message } from './slack/protocol.js'
import type { Workspace } from './slack/workspace.js'

/** A copy takes ten seconds. */
const JOB_MS = 60_000

/**
 * Has people ask the running bot for jobs in #deploys: a clone that fails where Miget's next deployment does, a copy that
 * expires today, and one that waits for an approval. Resolves when they have asked, with a function that waits for the copy
 * and makes a preset and a schedule of it.
 */
export async function makeHistory(workspace: Workspace): Promise<() => Promise<void>> {
  const { people, channels } = workspace
  const [ann, eli] = [workspace.as(people.ann.id), workspace.as(people.eli.id)]
  const channel = channels.deploys.id

  async function ask(person: Actor, request: string): Promise<void> {
    await person.write(channel, `/clone-app ${request}`)
    await person.waitForView(({ callback_id }) => callback_id === 'operation_form')
    await person.submit()
    await person.waitForView(({ callback_id }) => callback_id === 'operation_preview')
    await person.submit()
  }

  await ask(ann, 'miget clone app=shop-web label=Checkout name=checkout project=woolworks-staging resource=migetlamb')
  await ask(ann, 'hoody copy container=search project=woolworks-staging name=search-qa keep=8h')
  await ask(eli, 'hoody copy container=billing project=woolworks-production name=billing-hotfix')

  return async () => {
    const root = await ann.waitForMessage(({ text }) => text.includes('search-qa is running'), JOB_MS)
    await ann.write(channel, `/clone-app preset save ${jobOf(root)} nightly-search everyone`)
    await ann.waitForMessage(({ text }) => text.startsWith('Saved.'))
    await ann.write(channel, '/clone-app schedule nightly-search "0 2 * * 1-5" Europe/Berlin')
  }
}

/** The id that a root message shows. */
function jobOf({ blocks }: Message): string {
  return /job `(\w+)`/.exec(JSON.stringify(blocks))?.[1] ?? ''
}

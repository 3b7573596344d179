/** Whether the bot's process runs, and a button that kills it without warning. */
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'

export function BotProcess() {
  const { snapshot, notify } = useWorkspace()
  const { status } = snapshot.bot
  if (status === null) return null
  return (
    <fieldset className="provider">
      <legend>Dolly</legend>
      <div className="process">
        <span role="status" className={status === 'up' ? 'is-good' : 'is-bad'}>
          {status === 'up' ? 'running' : 'restarting'}
        </span>
        <button
          type="button"
          className="button danger"
          disabled={status !== 'up'}
          onClick={() => post('kill', {}).catch((error: unknown) => notify(sentenceOf(error)))}
        >
          Kill the bot
        </button>
      </div>
    </fieldset>
  )
}

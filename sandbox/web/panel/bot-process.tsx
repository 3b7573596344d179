/** The bot's process: whether it lives, and a way to end it without warning. */
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'

export function BotProcess() {
  const { snapshot, notify } = useWorkspace()
  const { life } = snapshot.bot
  if (life === null) return null
  return (
    <fieldset className="provider">
      <legend>Dolly</legend>
      <div className="process">
        <span role="status" className={life === 'up' ? 'is-good' : 'is-bad'}>
          {life === 'up' ? 'running' : 'dead, starts again'}
        </span>
        <button
          type="button"
          className="button danger"
          disabled={life !== 'up'}
          onClick={() => post('kill', {}).catch((error: unknown) => notify(sentenceOf(error)))}
        >
          Kill the bot
        </button>
      </div>
    </fieldset>
  )
}

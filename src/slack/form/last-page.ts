/** Pure: the last page of the modal, which shows what will be done. */
import type { KnownBlock, ModalView } from '@slack/types'
import type { Named, Operation, Preview } from '../../providers/provider.js'
import { context, plain, section } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { brief, briefList, fromTo, mrkdwn, mrkdwnWithin, ownName } from '../text.js'
import type { Answers } from './answers.js'
import { SAVE_ACTION } from './preset-view.js'
import { callbacks, whereTo } from './view.js'

/** The names of the answers, short enough for sentences to be shown whole. Rules and the job get them at full length. */
export function shownNames({ named, picked }: Pick<Answers, 'named' | 'picked'>): Named {
  const short = ([key, words]: [string, string]) => {
    const labels = picked[key]?.map(({ label }) => label)
    return [key, labels ? briefList(labels) : brief(words)]
  }
  return Object.fromEntries(Object.entries(named).map(short))
}

/**
 * Page 3. Its button names the act.
 *
 * @param shown the names from `shownNames`.
 * @param draft the key of the answers of page 2.
 * @param checked what the provider says about them, or why it could not be asked.
 * @param notes what else a person should know before they start, as mrkdwn: who must approve, how long it is kept.
 */
export function lastPageView(
  { connection, operation }: { connection: { name: string; provider: { name: string } }; operation: Operation },
  params: Record<string, unknown>,
  shown: Named,
  draft: string,
  checked: { isChecked: true; warnings: readonly string[] } | { isChecked: false; problem: string },
  notes: readonly string[] = [],
): ModalView {
  const { from, to } = operation.summary(shown)
  const preview = operation.preview(params, shown)
  const warnings = checked.isChecked ? checked.warnings : []
  // The warning about the loss comes first, under a heading that says what is lost.
  const own = preview.warning ? [preview.warning] : []
  const all = preview.overwrites ? [...own, ...warnings] : [...warnings, ...own]
  const overwriting = `⚠️ This overwrites ${mrkdwn(to, 200)}`
  return {
    type: 'modal',
    callback_id: callbacks.preview,
    private_metadata: draft,
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain(submitLabel(operation, to, preview)),
    close: plain('Back'),
    blocks: [
      { type: 'header', text: plain(fromTo(from, to, limits.headerText)) },
      whereTo(connection.name, connection.provider.name),
      ...all.map((warning, at) =>
        paragraph(at === 0 && preview.overwrites ? overwriting : '⚠️ Before you start', warning),
      ),
      paragraph('Copied', preview.copied),
      paragraph('Not copied', preview.notCopied),
      ...(notes.length === 0 ? [] : [section(notes.join('\n'))]),
      ...(checked.isChecked ? [] : [context(mrkdwn(checked.problem))]),
      savePresetButton,
    ],
  }
}

const savePresetButton: KnownBlock = {
  type: 'actions',
  block_id: 'preset',
  elements: [{ type: 'button', action_id: SAVE_ACTION, text: plain('Save as preset') }],
}

function paragraph(title: string, text: string): KnownBlock {
  const heading = `*${title}*\n`
  return section(heading + mrkdwnWithin(limits.sectionText - heading.length, text))
}

/** "Overwrite billing" or "Copy a container". A name that the button has no room for is in the header of the page. */
function submitLabel({ title }: Operation, target: string, { overwrites }: Preview): string {
  if (!overwrites) return mustFit(title, limits.modalTitle)
  const label = `Overwrite ${ownName(target)}`
  return label.length <= limits.modalTitle ? label : 'Overwrite'
}

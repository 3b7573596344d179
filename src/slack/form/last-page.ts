/** Pure: the last page of the modal, which shows what will be done. */
import type { KnownBlock, ModalView } from '@slack/types'
import type { Operation, Preview } from '../../providers/provider.js'
import { limits, mustFit } from '../limits.js'
import { fromTo, mrkdwn, mrkdwnWithin, ownName } from '../text.js'
import { plain } from './options.js'
import { callbacks, remark, whereTo } from './view.js'

/** What the provider's current state adds to the last page. */
export interface Remarks {
  /** Sentences that a person must read before they start. */
  warnings: readonly string[]
  /** Why the provider could not be asked; null if it was. */
  unchecked: string | null
}

/**
 * Page 3. Its button names the act. Sentences are shown whole, so names in them must be short already.
 *
 * @param draft the key of the answers of page 2.
 */
export function lastPageView(
  operation: Operation,
  what: { from: string; to: string; connection: string; provider: string },
  preview: Preview,
  draft: string,
  { warnings, unchecked }: Remarks = { warnings: [], unchecked: null },
): ModalView {
  const paragraph = (title: string, text: string): KnownBlock => {
    const heading = `*${title}*\n`
    const words = mrkdwnWithin(limits.sectionText - heading.length, text)
    return { type: 'section', text: { type: 'mrkdwn', verbatim: true, text: `${heading}${words}` } }
  }
  // The warning about the loss comes first, under a heading that says what is lost.
  const own = preview.warning ? [preview.warning] : []
  const all = preview.overwrites ? [...own, ...warnings] : [...warnings, ...own]
  const overwriting = `⚠️ This overwrites ${mrkdwn(what.to, 200)}`
  return {
    type: 'modal',
    callback_id: callbacks.preview,
    private_metadata: draft,
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain(submitLabel(operation, what.to, preview)),
    close: plain('Back'),
    blocks: [
      { type: 'header', text: plain(fromTo(what.from, what.to, limits.headerText)) },
      whereTo(what.connection, what.provider),
      ...all.map((warning, at) =>
        paragraph(at === 0 && preview.overwrites ? overwriting : '⚠️ Before you start', warning),
      ),
      paragraph('Copied', preview.copied),
      paragraph('Not copied', preview.notCopied),
      ...(unchecked === null ? [] : [remark(mrkdwn(unchecked))]),
    ],
  }
}

/** "Overwrite billing" or "Copy a container". A name that the button has no room for is in the header of the page. */
function submitLabel({ title }: Operation, target: string, { overwrites }: Preview): string {
  if (!overwrites) return mustFit(title, limits.modalTitle)
  const label = `Overwrite ${ownName(target)}`
  return label.length <= limits.modalTitle ? label : 'Overwrite'
}

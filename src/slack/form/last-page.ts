/** Pure: the last page of the modal, which says once more what will be done. */
import type { KnownBlock, ModalView } from '@slack/types'
import type { Operation, Preview } from '../../providers/provider.js'
import { limits, mustFit } from '../limits.js'
import { fromTo, mrkdwn, mrkdwnWithin } from '../text.js'
import { plain } from './options.js'
import { callbacks, remark, whereTo } from './view.js'

/** What the provider's present state adds to the last page. */
export interface Remarks {
  /** What a person must know before they start, in plain sentences. */
  warnings: readonly string[]
  /** Why the provider could not be asked; null where it was. */
  unchecked: string | null
}

/**
 * Page 3: what will be done, said once more before it is. `draft` is the key to the answers of page 2. Its sentences are
 * shown whole: the names in them are to be cut before.
 */
export function previewView(
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
  const all = [...warnings, ...(preview.warning ? [preview.warning] : [])]
  return {
    type: 'modal',
    callback_id: callbacks.preview,
    private_metadata: draft,
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain(all.length > 0 ? 'Do it anyway' : 'Start'),
    close: plain('Back'),
    blocks: [
      { type: 'header', text: plain(fromTo(what.from, what.to, limits.headerText)) },
      whereTo(what.connection, what.provider),
      ...all.map((warning) => paragraph('Mind this', warning)),
      paragraph('Copied', preview.copied),
      paragraph('Not copied', preview.notCopied),
      ...(unchecked === null ? [] : [remark(mrkdwn(unchecked))]),
    ],
  }
}

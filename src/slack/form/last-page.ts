/** Pure: the last page of the modal, which shows what will be done. */
import type { KnownBlock, ModalView } from '@slack/types'
import { plainText } from '../../lib/text.js'
import type { Named, Operation } from '../../providers/provider.js'
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

/** A whole word for production, but not "preprod" or "non-production". */
const PRODUCTION = /(?<![a-z])(?<!\b(?:non|not|pre)[-_ ]?)(?:production|prod|prd)(?![a-z])/i

/**
 * Page 3. Its button names the act.
 *
 * @param shown the names from `shownNames`.
 * @param draft the key of the answers of page 2.
 * @param checked what the provider says about them, or why it could not be asked.
 * @param about.needsApproval whether other people are asked first.
 * @param about.notes what else a person should know before they start, as mrkdwn: who must approve, how long it is kept.
 */
export function lastPageView(
  { connection, operation }: { connection: { name: string; provider: { name: string } }; operation: Operation },
  params: Record<string, unknown>,
  shown: Named,
  draft: string,
  checked: { isChecked: true; warnings: readonly string[] } | { isChecked: false; problem: string },
  { needsApproval = false, notes = [] }: { needsApproval?: boolean; notes?: readonly string[] } = {},
): ModalView {
  const { from, to } = operation.summary(shown)
  const preview = operation.preview(params, shown)
  const { overwrites: isOverwriting = false, warning, downtime } = preview
  const isProduction = isInProduction(to, isOverwriting)
  const warnings = [...(checked.isChecked ? checked.warnings : []), ...(warning && !isOverwriting ? [warning] : [])]
  const isCut = plainText(`${from} → ${to}`).length > limits.headerText
  return {
    type: 'modal',
    callback_id: callbacks.preview,
    private_metadata: draft,
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain(needsApproval ? 'Ask for approval' : submitLabel(operation, to, { isOverwriting, isProduction })),
    close: plain('Back'),
    blocks: [
      { type: 'header', text: plain(fromTo(from, to, limits.headerText)) },
      whereTo(connection.name, connection.provider.name),
      ...(isCut ? [paragraph('From', from), paragraph('To', to)] : []),
      // What is lost comes before everything else.
      ...(isOverwriting ? [paragraph(`⚠️ This overwrites ${mrkdwn(to, 400)}`, warning ?? '')] : []),
      ...(isProduction && !isOverwriting ? [paragraph('⚠️ This goes to production', to)] : []),
      ...warnings.map((one) => paragraph('⚠️ Before you start', one)),
      ...(downtime ? [paragraph('Downtime', downtime)] : []),
      paragraph('Copied', preview.copied),
      paragraph('Not copied', preview.notCopied),
      ...(notes.length === 0 ? [] : [section(notes.join('\n'))]),
      ...(checked.isChecked ? [] : [context(mrkdwn(checked.problem))]),
      savePresetButton,
    ],
  }
}

/**
 * Whether something in production changes, by the names that people gave. The name of a new clone doesn't count: a copy of
 * `shop-prod` may well be in staging. Nor does the connection's, because `hoody-prod` often is all that a team has there.
 */
function isInProduction(to: string, isOverwriting: boolean): boolean {
  return PRODUCTION.test(isOverwriting ? to : to.replace(ownName(to), ''))
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

/**
 * "Overwrite billing", "Copy into production" or "Copy a container". What the button has no room for is on the page in full.
 */
function submitLabel(
  { title }: Operation,
  target: string,
  { isOverwriting, isProduction }: { isOverwriting: boolean; isProduction: boolean },
): string {
  const [verb] = title.split(' ')
  const overwriting = [`Overwrite ${plainText(target)}`, `Overwrite ${plainText(ownName(target))}`, 'Overwrite']
  const labels = isOverwriting ? overwriting : isProduction ? [`${verb} into production`] : []
  return labels.find(({ length }) => length <= limits.modalTitle) ?? mustFit(title, limits.modalTitle)
}

/** Registers everything a person can do on the Bolt app. */
import type { App } from '@slack/bolt'
import type { Asker } from '../access/rules.js'
import { approvalButtons, approvalVerbs } from './approvals/approvals.js'
import { registerClickLimit } from './click-limit.js'
import { registerFieldChoice } from './clone/field-choice.js'
import { registerFieldOptions } from './clone/field-options.js'
import { registerFormSubmit } from './clone/form-submit.js'
import { fromJobButtons, fromJobVerbs } from './clone/from-job.js'
import { registerOperationChoice } from './clone/operation-choice.js'
import { extendButton, extendVerb } from './expiry/extend.js'
import { helpLines, helpVerb } from './help/help.js'
import { historyVerb, registerHistoryPages } from './history/history.js'
import { registerHome } from './home/home.js'
import type { HomeParts } from './home/model.js'
import { homePresets, registerHomePresets } from './home/presets.js'
import { publishHome } from './home/publish.js'
import { homeSchedules } from './home/schedules.js'
import type { JobButton } from './job-button.js'
import { actButtons, registerJobButtons } from './jobs/buttons.js'
import { registerList } from './jobs/list.js'
import { jobVerbs } from './jobs/verbs.js'
import { presetButtons, registerPresets } from './presets/forms.js'
import { presetVerbs } from './presets/verbs.js'
import { deleteButton, deleteVerb } from './removal/open.js'
import { registerRemovalSubmit } from './removal/submit.js'
import { registerSchedules, scheduleButtons } from './schedules/forms.js'
import { scheduleVerbs } from './schedules/verbs.js'
import type { Services } from './services.js'
import { registerSettings, settingsVerb } from './settings/settings.js'
import { registerShortcuts } from './shortcuts/shortcuts.js'
import { registerSlashCommand } from './slash-command.js'
import { allowances, Throttle } from './throttle.js'
import type { Verb } from './verb.js'
import { registerWorkflowStep } from './workflow/step.js'

/** What `/clone-app` can begin with. Everything else opens a form. */
export const verbs: readonly Verb[] = [
  ...jobVerbs,
  ...fromJobVerbs,
  ...approvalVerbs,
  deleteVerb,
  extendVerb,
  historyVerb,
  settingsVerb,
  ...presetVerbs(verbWords),
  ...scheduleVerbs,
  helpVerb(() => verbs),
]

function verbWords(): string[] {
  return verbs.flatMap(({ words }) => words)
}

/** What people can do to a job with a click. */
export const jobButtons: readonly JobButton[] = [
  ...actButtons,
  ...fromJobButtons,
  ...approvalButtons,
  deleteButton,
  extendButton,
  ...presetButtons,
  ...scheduleButtons,
]

/** What a Home tab shows besides jobs. */
async function readHomeParts(services: Services, asker: Asker): Promise<HomeParts> {
  const presets = await homePresets(services, asker)
  const schedules = await homeSchedules(services, asker)
  return { help: helpLines(verbs, services, asker), presets, schedules }
}

/** Brings somebody's Home tab up to date; see `publishHome`. */
export async function refreshHome(services: Services, asker: Asker): Promise<number> {
  return await publishHome(services, asker, readHomeParts)
}

export function registerCommands(app: App, services: Services): void {
  const publish = async (asker: Asker) => await refreshHome(services, asker)
  registerClickLimit(app, services)
  registerSlashCommand(app, services, verbs)
  // All pages of one person together.
  const submissions = new Throttle(allowances.submission)
  registerOperationChoice(app, services, submissions)
  registerFieldOptions(app, services)
  registerFieldChoice(app, services)
  registerFormSubmit(app, services, submissions)
  registerRemovalSubmit(app, services, submissions)
  registerJobButtons(app, services, jobButtons, publish)
  registerHome(app, services, publish)
  registerHomePresets(app, services)
  registerList(app, services)
  registerSettings(app, services, submissions)
  registerHistoryPages(app, services)
  registerShortcuts(app, services)
  registerWorkflowStep(app, services)
  registerPresets(app, services, submissions, verbWords())
  registerSchedules(app, services, submissions)
}

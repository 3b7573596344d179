/** Registers everything a person can do on the Bolt app. */
import type { App } from '@slack/bolt'
import { approvalButtons, approvalVerbs } from './approvals/approvals.js'
import { registerFieldChoice } from './clone/field-choice.js'
import { registerFieldOptions } from './clone/field-options.js'
import { registerFormSubmit } from './clone/form-submit.js'
import { fromJobButtons, fromJobVerbs } from './clone/from-job.js'
import { registerOperationChoice } from './clone/operation-choice.js'
import { extendButton, extendVerb } from './expiry/extend.js'
import { historyVerb, registerHistoryPages } from './history/history.js'
import type { JobButton } from './job-button.js'
import { actButtons, registerJobButtons } from './jobs/buttons.js'
import { registerList } from './jobs/list.js'
import { jobVerbs } from './jobs/verbs.js'
import { deleteButton, deleteVerb } from './removal/open.js'
import { registerRemovalSubmit } from './removal/submit.js'
import type { Services } from './services.js'
import { registerSlashCommand } from './slash-command.js'
import { allowances, Throttle } from './throttle.js'
import type { Verb } from './verb.js'

/** What `/clone-app` can begin with. Everything else opens a form. */
export const verbs: readonly Verb[] = [
  ...jobVerbs,
  ...fromJobVerbs,
  ...approvalVerbs,
  deleteVerb,
  extendVerb,
  historyVerb,
]

/** What people can do to a job with a click. */
export const jobButtons: readonly JobButton[] = [
  ...actButtons,
  ...fromJobButtons,
  ...approvalButtons,
  deleteButton,
  extendButton,
]

export function registerCommands(app: App, services: Services): void {
  registerSlashCommand(app, services, verbs)
  // All pages of one person together.
  const submissions = new Throttle(allowances.submission)
  registerOperationChoice(app, services, submissions)
  registerFieldOptions(app, services)
  registerFieldChoice(app, services)
  registerFormSubmit(app, services, submissions)
  registerRemovalSubmit(app, services, submissions)
  registerJobButtons(app, services, jobButtons)
  registerList(app, services)
  registerHistoryPages(app, services)
}

/** Registers everything a person can do on the Bolt app. */
import type { App } from '@slack/bolt'
import { registerCloneApp } from './clone/command.js'
import { registerFieldChoice } from './clone/field-choice.js'
import { registerFieldOptions } from './clone/field-options.js'
import { registerFormSubmit } from './clone/form-submit.js'
import { registerOperationChoice } from './clone/operation-choice.js'
import { registerJobButtons } from './jobs/buttons.js'
import type { Services } from './services.js'
import { allowances, Throttle } from './throttle.js'

export function registerCommands(app: App, services: Services): void {
  registerCloneApp(app, services)
  // All pages of one person together.
  const submissions = new Throttle(allowances.submission)
  registerOperationChoice(app, services, submissions)
  registerFieldOptions(app, services)
  registerFieldChoice(app, services)
  registerFormSubmit(app, services, submissions)
  registerJobButtons(app, services)
}

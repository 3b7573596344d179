/** The questions of Miget's form. */
import { z } from 'zod'
import { yesNo } from '../provider.js'
import { UUID } from './api.js'

const NAME_RULE = 'Use 1 to 34 lowercase letters, digits or hyphens, with no hyphen at the start or end.'

const words = z.string().trim()
const id = words.toLowerCase().regex(UUID, 'Choose from the list, or paste a UUID.')
const label = words.regex(/^.{1,40}$/u, 'Use 1 to 40 characters.')
const name = words.regex(/^(?!.{35})[a-z0-9]+(-+[a-z0-9]+)*$/, NAME_RULE)
const parts = (picker: string, title: string, description: string) =>
  z
    .array(id)
    .default([])
    .meta({ title, description, picker, dependsOn: ['app'] })

// The flags have Miget's own names: they are sent as they are.
const unchecked = z.object({
  use_parent_image: yesNo(
    'Run the image of the source app',
    "Miget never copies code: without an image the clone can't run.",
    true,
  ),
  app: id.meta({ title: 'Source app', description: "It isn't changed.", picker: 'apps' }),
  label: label.meta({ title: 'Label of the clone', description: 'Shown in the dashboard.' }),
  name: name.meta({ title: 'Name of the clone', description: 'Must be unused in the workspace. Miget adds a suffix.' }),
  project: id.meta({ title: 'Target project', description: 'Where the clone goes.', picker: 'projects' }),
  resource: id.meta({
    title: 'Resource',
    description: 'What the clone runs on. It must be open to the target project and have room for the source app.',
    picker: 'resources',
    dependsOn: ['app', 'project'],
  }),
  deploy: yesNo('Deploy the clone', 'If it has an image to run.', true),
  parent_image_auto_sync: yesNo('Follow the image', 'Deploys each new image of the source app.'),
  clone_variables: yesNo('Copy variables', "They still point to the source app's databases.", true),
  clone_secret_files: yesNo('Copy secret files', 'With their contents.'),
  clone_scaling_settings: yesNo('Copy scaling settings', 'Replicas, automatic scaling.'),
  clone_health_checks: yesNo('Copy health checks', 'How Miget tells whether the app is healthy.'),
  clone_security: yesNo('Copy security settings', 'Allowed connections, Basic Auth.'),
  addons: parts('addons', 'Add-ons without data', 'The clone gets new, empty ones of the same kind.'),
  addonsWithData: parts('addons', 'Add-ons with their data', 'Every row and file is copied.'),
  cronjobs: parts('cronjobs', 'Cron jobs', 'They run in the clone as well as in the source app.'),
})
export type CloneParams = z.infer<typeof unchecked>

export const fields = unchecked.superRefine((params, context) => {
  const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
  if (params.parent_image_auto_sync && !params.use_parent_image)
    refuse('parent_image_auto_sync', 'There is no image to follow. Run that of the source app, or leave this off.')
  if (params.addons.some((one) => params.addonsWithData.includes(one)))
    refuse('addonsWithData', 'An add-on is chosen twice. Decide for each whether its data is copied.')
})

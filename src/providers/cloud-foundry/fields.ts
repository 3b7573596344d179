/** The questions of Cloud Foundry's two forms. */
import { z } from 'zod'
import { yesNo } from '../provider.js'

export const MAX_HOST_LENGTH = 63
const NAME_RULE = 'Use 1 to 255 printable characters.'
const HOST_RULE = 'Use 1 to 63 letters, digits, hyphens or underscores.'

/** In lowercase, as the API has them: two spellings of one GUID are one lock. */
const guid = z.guid('Choose from the list, or paste a GUID.').toLowerCase()
const app = (title: string, description: string) => guid.meta({ title, description, picker: 'apps' })
const text = (maxLength: number, rule: string) => z.string().trim().min(1, rule).max(maxLength, rule)

export const cloneFields = z
  .object({
    app: app('App', 'Its newest uploaded code is copied.'),
    space: guid.meta({ title: 'Target space', description: 'In any organization.', picker: 'spaces' }),
    name: text(255, NAME_RULE)
      .regex(/^\P{C}*$/u, NAME_RULE)
      .meta({ title: 'Name of the clone', description: "Must be unused in the space (case doesn't matter)." }),
    address: yesNo(
      'Give it an address',
      'In the default domain, if the source has an address or you type a host name below.',
      true,
    ),
    host: text(MAX_HOST_LENGTH, HOST_RULE)
      .regex(/^[\w-]*$/, HOST_RULE)
      .optional()
      .meta({
        title: 'Host name',
        description: 'The first part of the address. Leave it empty to use the name of the clone.',
      }),
    environment: yesNo('Copy environment variables', 'Including the secrets in them.', true),
    size: yesNo('Copy the size', 'Instances, memory, disk and health checks of each process.', true),
    services: z
      .array(guid)
      .default([])
      .meta({
        title: 'Services to share',
        description: "The clone is bound to the same services and uses the source's data.",
        picker: 'services',
        dependsOn: ['app'],
      }),
    fastPath: yesNo(
      'Copy the staged build',
      'Exactly what is deployed now. To stage the clone again, you have to upload its code.',
    ),
    start: yesNo('Start the clone', 'Otherwise it stays stopped.', true),
  })
  .refine(({ address, host }) => address || host === undefined, {
    path: ['host'],
    message: 'Tick "Give it an address", or leave this empty.',
  })
export type CloneParams = z.infer<typeof cloneFields>

export const copyFields = z
  .object({
    app: app('App to copy from', 'Its newest uploaded code is copied.'),
    target: app('App to overwrite', 'It keeps everything but its code.'),
    restart: yesNo('Stage and restart it', 'With a short interruption. Otherwise its old code keeps running.', true),
  })
  .refine(({ app, target }) => app !== target, { path: ['target'], message: 'Choose an app other than the source.' })
export type CopyParams = z.infer<typeof copyFields>

/** The parts of the app's manifest that decide what Slack shows of the app and what it sends to it. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { ROOT } from '../root.js'

const Parameter = z.looseObject({
  type: z.string(),
  title: z.string().default(''),
  description: z.string().default(''),
  is_required: z.boolean().default(false),
})

const Home = z
  .looseObject({
    home_tab_enabled: z.boolean().default(false),
    messages_tab_enabled: z.boolean().default(true),
    messages_tab_read_only_enabled: z.boolean().default(false),
  })
  .prefault({})

const Shortcut = z.strictObject({
  name: z.string().min(1).max(24),
  type: z.enum(['global', 'message']),
  callback_id: z.string().min(1).max(255),
  description: z.string().min(1).max(150),
})

const Command = z.looseObject({ command: z.string(), description: z.string(), usage_hint: z.string().default('') })

const Step = z.looseObject({
  title: z.string(),
  description: z.string().default(''),
  input_parameters: z.record(z.string(), Parameter).default({}),
  output_parameters: z.record(z.string(), Parameter).default({}),
})

const MAX_SHORTCUTS = 10
const MAX_STEPS = 50

/** With the limits of Slack's published schema; parts that the sandbox doesn't use are ignored. */
const Manifest = z
  .looseObject({
    features: z
      .looseObject({
        app_home: Home,
        shortcuts: z.array(Shortcut).max(MAX_SHORTCUTS).default([]),
        slash_commands: z.array(Command).default([]),
      })
      .prefault({}),
    oauth_config: z
      .looseObject({ scopes: z.looseObject({ bot: z.array(z.string()).default([]) }).prefault({}) })
      .prefault({}),
    settings: z
      .looseObject({
        org_deploy_enabled: z.boolean().default(false),
        event_subscriptions: z.looseObject({ bot_events: z.array(z.string()).default([]) }).prefault({}),
      })
      .prefault({}),
    /** Custom steps for Workflow Builder, by callback id. */
    functions: z
      .record(z.string(), Step)
      .refine((steps) => Object.keys(steps).length <= MAX_STEPS, { error: `no more than ${MAX_STEPS} functions` })
      .default({}),
  })
  .refine(({ functions, settings }) => Object.keys(functions).length === 0 || settings.org_deploy_enabled, {
    error: 'functions need settings.org_deploy_enabled',
  })

export type Manifest = z.output<typeof Manifest>
/** A manifest as it is written; everything the sandbox reads may be left out. */
export type ManifestInput = z.input<typeof Manifest>

const OWN = new URL('manifest.yml', ROOT)

/**
 * Reads a manifest; without one, the repository's own.
 *
 * @throws ZodError for one that Slack wouldn't take.
 */
export function readManifest(given?: ManifestInput): Manifest {
  return Manifest.parse(given ?? parse(readFileSync(OWN, 'utf8')))
}

/** The repository's manifest with the step for Workflow Builder, switched on the way its comments say. */
export function manifestWithStep() {
  const text = readFileSync(OWN, 'utf8')
    .replace('org_deploy_enabled: false', 'org_deploy_enabled: true')
    .replace(/^# functions:\n(# {3}.*\n)+/m, (part) => part.replace(/^# /gm, ''))
  return parse(text)
}

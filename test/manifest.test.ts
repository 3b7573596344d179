/** manifest.yml against Slack's own schema for its major version, and against what Dolly promises to ask for. */
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { manifestWithStep } from '../sandbox/slack/manifest.js'
import { shortcuts } from '../src/commands/shortcuts/shortcuts.js'
import { CLONE_STEP, Inputs } from '../src/commands/workflow/step.js'
import { stepOutcome } from '../src/slack/message/step.js'
import { jobIn } from './helpers/job.js'

const text = readFileSync('manifest.yml', 'utf8')
const schema = JSON.parse(readFileSync('test/fixtures/manifest.schema.json', 'utf8'))

/** The file with HTTP mode switched on the way its own comments say. */
const httpText = text
  .replace(/# (url|request_url|message_menu_options_url):/g, '$1:')
  .replace('socket_mode_enabled: true', 'socket_mode_enabled: false')

/** Sentences about what Slack would refuse; none for a valid manifest. */
function faults(manifest: unknown): string[] {
  // Slack's schema carries two words of its own, and a format that the one URL in it does not need checked.
  const ajv = new Ajv({ allErrors: true, formats: { uri: true }, strictTypes: false })
  ajv.addVocabulary(['_note', 'regex'])
  const validate = ajv.compile(schema)
  validate(manifest)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

test('Slack would take the manifest as it stands', () => {
  expect(faults(parse(text))).toEqual([])
})

test('Slack would take the manifest with HTTP mode switched on', () => {
  const manifest = parse(httpText)
  const address = 'https://dolly.example.com/slack/events'
  expect(faults(manifest)).toEqual([])
  expect(manifest.features.slash_commands[0].url).toBe(address)
  expect(manifest.settings.interactivity).toEqual({
    is_enabled: true,
    request_url: address,
    message_menu_options_url: address,
  })
  expect(manifest.settings.socket_mode_enabled).toBe(false)
})

test('Slack would take the manifest with the right to read history, which it asks for only if the operator adds it', () => {
  const manifest = parse(text.replace(/# - (channels|groups|im):history/g, '- $1:history'))
  expect(faults(manifest)).toEqual([])
  const history = ['channels:history', 'groups:history', 'im:history']
  const usual = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  expect(manifest.oauth_config.scopes.bot).toEqual([...usual, ...history])
})

test('Slack would take the manifest with the right to see who is in which channel, which is optional too', () => {
  const manifest = parse(text.replace(/# - (channels|groups):read/g, '- $1:read'))
  expect(faults(manifest)).toEqual([])
  const usual = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  expect(manifest.oauth_config.scopes.bot).toEqual([...usual, 'channels:read', 'groups:read'])
})

test('a manifest that Slack would refuse is noticed', () => {
  const manifest = parse(text)
  manifest.features.slash_commands[0].command = 'clone-app'
  manifest.settings.socket_mode = true
  expect(faults(manifest)).toEqual([
    '/features/slash_commands/0/command must match pattern "^\\/"',
    '/settings must NOT have additional properties',
  ])
})

test('it says of each scope what it is for', () => {
  const reasons = text.slice(text.indexOf('scopes:'), text.indexOf('bot:\n'))
  const readme = readFileSync('README.md', 'utf8')
  for (const scope of parse(text).oauth_config.scopes.bot) {
    expect(reasons).toContain(`${scope}:`)
    expect(readme).toContain(`| \`${scope}\` |`)
  }
})

test('it offers the two shortcuts that Dolly answers', () => {
  const offered = parse(text).features.shortcuts.map((one: { type: string; callback_id: string }) => [
    one.type,
    one.callback_id,
  ])
  expect(offered).toEqual([
    ['global', shortcuts.clone],
    ['message', shortcuts.fromMessage],
  ])
})

test('Slack would take the manifest with the right to send a table as a file, which is optional too', () => {
  const manifest = parse(text.replace(/# - (files:write|im:write)/g, '- $1'))
  expect(faults(manifest)).toEqual([])
  const usual = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  expect(manifest.oauth_config.scopes.bot).toEqual([...usual, 'files:write', 'im:write'])
})

test('it asks for four scopes and offers one command', () => {
  const manifest = parse(text)
  expect(manifest._metadata.major_version).toBe(1)
  expect(manifest.display_information.name).toBe('Dolly')
  expect(manifest.features.bot_user).toEqual({ display_name: 'dolly', always_online: true })
  expect(manifest.oauth_config).toEqual({
    scopes: { bot: ['commands', 'chat:write', 'users:read', 'usergroups:read'] },
  })
  expect(manifest.settings).toMatchObject({ interactivity: { is_enabled: true }, socket_mode_enabled: true })
  expect(manifest.features.slash_commands).toEqual([
    {
      command: '/clone-app',
      description: 'Clone an app',
      usage_hint: '[connection operation] [field=value …] | help',
      should_escape: false,
    },
  ])
})

/** Of the types that a parameter may have, those that a step on an own server can use, as Slack's schema for version 2 names them. */
const parameterTypes = [
  'string',
  'number',
  'integer',
  'boolean',
  'slack#/types/user_context',
  'slack#/types/channel_id',
]

interface Parameter {
  type: string
  name: string
  title: string
  is_required: boolean
}

test('Slack would take the manifest with the step for Workflow Builder switched on', () => {
  const manifest = manifestWithStep()
  expect(faults(manifest)).toEqual([])
  expect(manifest.settings.org_deploy_enabled).toBe(true)
  // Version 2 wants the parameters of functions under `properties`; Slack's templates for Bolt have them as here.
  expect(manifest._metadata.major_version).toBe(1)
  expect(Object.keys(manifest.functions)).toEqual([CLONE_STEP])
  const { title, description, input_parameters, output_parameters } = manifest.functions[CLONE_STEP]
  for (const words of [title, description]) expect(words).toMatch(/\w/)
  for (const [key, parameter] of Object.entries<Parameter>({ ...input_parameters, ...output_parameters })) {
    expect(parameter, key).toMatchObject({ name: key, title: expect.stringMatching(/\w/) })
    expect(parameter.is_required, key).toBeTypeOf('boolean')
    expect(parameterTypes, key).toContain(parameter.type)
  }
})

test('the step for Workflow Builder has the inputs and outputs that Dolly reads and gives', () => {
  const { input_parameters: inputs, output_parameters: outputs } = manifestWithStep().functions[CLONE_STEP]
  const required = (all: Record<string, Parameter>) => Object.keys(all).filter((key) => all[key]?.is_required)
  expect(Object.keys(inputs)).toEqual(Object.keys(Inputs.shape))
  const optional = Object.entries(Inputs.shape).filter(([, field]) => field.safeParse(undefined).success)
  expect(Object.keys(inputs).filter((key) => !inputs[key].is_required)).toEqual(optional.map(([key]) => key))
  expect(inputs.person.type, 'Slack says who started the workflow').toBe('slack#/types/user_context')
  const given = (url: string | null) => {
    const outcome = stepOutcome({ job: jobIn('succeeded', { url, consoleUrl: null }) })
    return 'outputs' in outcome ? Object.keys(outcome.outputs) : []
  }
  expect(Object.keys(outputs)).toEqual(given('https://shop.example'))
  expect(required(outputs)).toEqual(given(null))
})

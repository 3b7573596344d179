/** Qovery: clones a service of any kind, or a whole environment, and deploys the clone. */
import { z } from 'zod'
import { defineOperation, defineProvider } from './provider.js'
import { classify, errorMessage } from './qovery/api.js'
import {
  type CloneParams,
  type EnvironmentParams,
  environmentFields,
  isDeployed,
  pickers,
  type ServiceParams,
  serviceFields,
  siblingsPath,
} from './qovery/form.js'
import { removalOf } from './qovery/removal.js'
import { type QoveryRef, ref } from './qovery/status.js'
import { steps } from './qovery/steps.js'
import { validateClone } from './qovery/validate.js'

/** A person's token. API tokens have another scheme; a scheme written before a token is kept. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/
const TERRAFORM_WARNING = 'Deploying applies the Terraform code: it creates real infrastructure, which may cost money.'

const shared = {
  ref,
  lock: (params: CloneParams) => `${siblingsPath(params)}/${params.name}`,
  validate: validateClone,
  copiesData: true,
  deadlineMs: 60 * 60_000,
  pollEveryMs: 5_000,
  steps,
}

const clone = defineOperation<ServiceParams, QoveryRef>({
  ...shared,
  removal: removalOf(
    'service',
    'The service with its settings and variables. A database or a volume goes with all its data, and Terraform with the infrastructure it created.',
  ),
  title: 'Clone a service',
  fields: serviceFields,
  summary: ({ service, name, environment }) => ({ from: `${service}`, to: `${name} in ${environment}` }),
  preview: (params, { service = 'the service' }) => ({
    copied: `The configuration of ${service} with its own variables and secrets, and with automatic deployment if that is on. ${outcomeOf(params, 'the commit or tag that the source runs, if Qovery reports it')}`,
    notCopied: `Data and custom domains${params.service.startsWith('helm/') ? ', and public access until you fill in the network settings of the clone' : ''}. In another environment, also the deployment stage and the variables of environment and project.`,
    ...(params.service.startsWith('terraform/') && isDeployed(params) && { warning: TERRAFORM_WARNING }),
  }),
})

const cloneEnvironment = defineOperation<EnvironmentParams, QoveryRef>({
  ...shared,
  removal: removalOf(
    'environment',
    'The environment with all its services. Databases and volumes go with all their data, and Terraform with the infrastructure it created.',
  ),
  title: 'Clone an environment',
  fields: environmentFields,
  summary: ({ environment, name, project, cluster }) => ({
    from: `${environment}`,
    to: `${name} in ${project}${cluster ? ` on ${cluster}` : ''}`,
  }),
  preview: (params, { environment = 'the environment' }) => ({
    copied: `All services of ${environment} with their configuration, variables and secrets, and with automatic deployment if that is on. ${outcomeOf(params, 'the latest version of each service')}`,
    notCopied: 'The data of databases and volumes, and custom domains.',
    ...(params.deploy && params.applyTerraform && { warning: TERRAFORM_WARNING }),
  }),
})

export const qovery = defineProvider({
  id: 'qovery',
  name: 'Qovery',
  connection: z.object({
    url: z.url({ protocol: /^https?$/ }).default('https://api.qovery.com'),
    token: z.string().trim().min(1),
    organization: z.uuid("must be the ID after /organization/ in the console's address").optional(),
  }),
  client: ({ url, token, organization }) => ({
    baseUrl: url,
    settings: { organization },
    headers: { authorization: token.replace(/^(?!(Token|Bearer) )/, JWT.test(token) ? 'Bearer ' : 'Token ') },
    errorMessage,
    classify,
  }),
  pickers,
  operations: { clone, 'clone-environment': cloneEnvironment },
})

function outcomeOf(params: CloneParams, version: string): string {
  if (isDeployed(params)) return `Then it is deployed with ${version}.`
  return params.deploy ? 'It isn\'t deployed: tick "Apply Terraform" too for that.' : "It isn't deployed."
}

/** The clone of a service, and of a whole environment. */
import { defineOperation } from '../provider.js'
import {
  type CloneParams,
  type EnvironmentParams,
  environmentFields,
  isDeployed,
  type ServiceParams,
  serviceFields,
  siblingsPath,
} from './fields.js'
import { type QoveryRef, ref } from './status.js'
import { remove, steps } from './steps.js'
import { validateClone } from './validate.js'

const TERRAFORM_WARNING = 'Deploying applies the Terraform code: it creates real infrastructure, which may cost money.'

const shared = {
  ref,
  lock: (params: CloneParams) => `${siblingsPath(params)}/${params.name}`,
  validate: validateClone,
  copiesData: true,
  deadlineMs: 60 * 60_000,
  pollEveryMs: 5_000,
  steps,
  remove,
}

export const clone = defineOperation<ServiceParams, QoveryRef>({
  ...shared,
  title: 'Clone a service',
  fields: serviceFields,
  summary: ({ service, name, environment }) => ({ from: `${service}`, to: `${name} in ${environment}` }),
  preview: (params, { service = 'the service' }) => ({
    copied: `The configuration of ${service} with its own variables and secrets, and with automatic deployment if that is on. ${outcomeOf(params, 'the commit or tag that the source runs, if Qovery reports it')}`,
    notCopied: `Data and custom domains${params.service.startsWith('helm/') ? ', and public access until you fill in the network settings of the clone' : ''}. In another environment, also the deployment stage and the variables of environment and project.`,
    ...(params.service.startsWith('terraform/') && isDeployed(params) && { warning: TERRAFORM_WARNING }),
  }),
})

export const cloneEnvironment = defineOperation<EnvironmentParams, QoveryRef>({
  ...shared,
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

function outcomeOf(params: CloneParams, version: string): string {
  if (isDeployed(params)) return `Then it is deployed with ${version}.`
  return params.deploy ? 'It isn\'t deployed: tick "Apply Terraform" too for that.' : "It isn't deployed."
}

/** The questions of Rainbond's form, and the live lists behind them. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, describedOption, mapEach, type Option, rows, type Values } from '../provider.js'
import { listAll, pathOf, TEAMS } from './api.js'
import { isUploaded, listComplete } from './validate.js'

const text = z.string().trim()
export const fields = z.object({
  app: text
    .regex(/^([\w-]{1,64}\/){2}\d{1,18}$/, 'Choose from the list, or type team/region/app number.')
    .meta({ title: 'App', description: 'Team, region and app to copy from.', picker: 'apps' }),
  components: z
    .array(text.regex(/^[0-9a-f]{32}$/, 'Choose from the list, or paste IDs (32 characters, 0-9 and a-f).'))
    .default([])
    .meta({
      title: 'Components',
      description: 'Leave empty to copy all that are fully created.',
      picker: 'components',
      dependsOn: ['app'],
    }),
  target: text
    .regex(/^[\w-]{1,64}\/[\w-]{1,64}$/, 'Choose from the list, or type team/region.')
    .meta({ title: 'Target team and region', description: 'Where the new app goes.', picker: 'targets' }),
  name: text
    .regex(/^[\w.\-\u4e00-\u9fa5]{1,128}$/, 'Use 1 to 128 letters, digits, Chinese characters or - _ . without spaces.')
    .meta({
      title: 'Name of the new app',
      suggestFrom: 'app',
      description: 'Must be unused in the target team and region.',
    }),
})
export type CopyParams = z.infer<typeof fields>

export const pickers = { apps, components, targets }

const id = z.string()
const team = z.object({ tenant_name: id, tenant_alias: id.nullish() })
const region = z.object({ region_name: id, region_alias: id.nullish(), status: z.coerce.string() })
const app = z.object({ ID: z.number(), group_name: id })

/** Every enabled region of every team that the token's user belongs to. */
async function targets(api: Api): Promise<Option[]> {
  const teams = await listAll(api, TEAMS, 'tenants', rows(api, team))
  const lists = await mapEach(teams, async ({ tenant_name, tenant_alias }) => {
    const regions = listAll(api, `${TEAMS}/${tenant_name}/regions`, 'regions', rows(api, region))
    const enabled = (await regions.catch(noneIfRefused)).filter(({ status }) => status === '1')
    return enabled.map(({ region_name, region_alias }) => ({
      value: `${tenant_name}/${region_name}`,
      label: `${tenant_alias || tenant_name} / ${region_alias || region_name}`,
    }))
  })
  return lists.flat()
}

async function apps(api: Api): Promise<Option[]> {
  const lists = await mapEach(await targets(api), async ({ value, label }) => {
    const apps = await api.get(`${pathOf(value)}/apps`, rows(api, app)).catch(noneIfRefused)
    return apps.map((one) => ({ value: `${value}/${one.ID}`, label: `${label} / ${one.group_name}` }))
  })
  return lists.flat()
}

async function components(api: Api, { app = '' }: Values): Promise<Option[]> {
  if (!fields.shape.app.safeParse(app).success) return []
  return (await listComplete(api, app)).map((one) =>
    describedOption(one.service_id, one.service_cname, isUploaded(one) ? "uploaded, can't be copied" : one.status),
  )
}

/** For one broken row Rainbond refuses the whole list, which must not hide the other lists. */
const noneIfRefused = (error: unknown) => (error instanceof UserError ? [] : Promise.reject(error))

/** The live lists behind the questions of Rainbond's form. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, describedOption, type Option, rows, settleEach, type Values } from '../provider.js'
import { listAll, pathOf, TEAMS } from './api.js'
import { fields } from './fields.js'
import { isUploaded, listComplete } from './validate.js'

export const pickers = { apps, components, targets }

const id = z.string()
const team = z.object({ tenant_name: id, tenant_alias: id.nullish() })
const region = z.object({ region_name: id, region_alias: id.nullish(), status: z.coerce.string() })
const app = z.object({ ID: z.number(), group_name: id })

/** Every enabled region of every team that the token's user belongs to. */
async function targets(api: Api): Promise<Option[]> {
  const teams = await listAll(api, TEAMS, 'tenants', rows(api, team))
  return await flatMapEach(teams, async ({ tenant_name, tenant_alias }) => {
    const regions = listAll(api, `${TEAMS}/${tenant_name}/regions`, 'regions', rows(api, region))
    const enabled = (await regions.catch(noneIfRefused)).filter(({ status }) => status === '1')
    return enabled.map(({ region_name, region_alias }) => ({
      value: `${tenant_name}/${region_name}`,
      label: `${tenant_alias || tenant_name} / ${region_alias || region_name}`,
    }))
  })
}

async function apps(api: Api): Promise<Option[]> {
  return await flatMapEach(await targets(api), async ({ value, label }) => {
    const apps = await api.get(`${pathOf(value)}/apps`, rows(api, app)).catch(noneIfRefused)
    return apps.map((one) => ({ value: `${value}/${one.ID}`, label: `${label} / ${one.group_name}` }))
  })
}

async function components(api: Api, { app = '' }: Values): Promise<Option[]> {
  if (!fields.shape.app.safeParse(app).success) return []
  return (await listComplete(api, app)).map((one) =>
    describedOption(one.service_id, one.service_cname, isUploaded(one) ? "uploaded, can't be copied" : one.status),
  )
}

/** What `work` lists for each item, in order, or the first error. */
async function flatMapEach<T, R>(items: readonly T[], work: (item: T) => Promise<R[]>): Promise<R[]> {
  return (await settleEach(items, work)).flatMap((result) => {
    if (result instanceof Error) throw result
    return result
  })
}

/** For one broken row Rainbond refuses the whole list, which must not hide the other lists. */
const noneIfRefused = (error: unknown) => (error instanceof UserError ? [] : Promise.reject(error))

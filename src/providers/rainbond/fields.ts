/** The questions of Rainbond's form. */
import { z } from 'zod'

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
    .meta({ title: 'Name of the new app', description: 'Must be unused in the target team and region.' }),
})
export type CopyParams = z.infer<typeof fields>

/** Fields that many forms have. */
import { z } from 'zod'

/** A question of yes or no, drawn as a checkbox. Its answer is no unless `initial` says otherwise. */
export function yesNo(title: string, description: string, initial = false) {
  return z.boolean().default(initial).meta({ title, description })
}

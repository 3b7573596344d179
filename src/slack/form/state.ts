/** What the modals remember between two requests, and how that is read back. */
import { z } from 'zod'

/**
 * What the modal remembers between two requests, in `private_metadata`. It comes back through the person's client, so it
 * is a memory, not a fact: whatever it names is looked up and checked again.
 */
export const FormState = z.object({
  connection: z.string().max(100),
  operation: z.string().max(100),
  /** Answers that other fields' lists depend on, and what the command text already said, by field; several with commas. */
  values: z.record(z.string(), z.string()),
  /** What a person reads for such a value, by field; several on a line each. Absent for a name not yet looked up. */
  labels: z.record(z.string(), z.string()),
  /** Fields whose typed names were looked up, with the sentence on what was not found; empty where all was. */
  remarks: z.record(z.string(), z.string()),
  /** Fields whose list cannot be had, with the reason and what to type instead. */
  typed: z.record(z.string(), z.string()),
  /** Where the command was typed; the updates go there unless the form says otherwise. No rule trusts it: see `opening`. */
  channel: z.string().regex(/^[A-Z0-9]{0,40}$/),
  /** Key of the row that says where the command was typed, for that person alone. */
  opening: z.string().max(100),
  /** Which channels the form offers for the updates beside that one. What is chosen is checked again. */
  choosableChannels: z.enum(['none', 'inside', 'all']).optional(),
})
export type FormState = z.infer<typeof FormState>

/** What page 1 remembers for page 2: where the command was typed, and the fields it named. */
export const ChoiceState = FormState.pick({ channel: true, opening: true, choosableChannels: true, values: true })
export type ChoiceState = z.infer<typeof ChoiceState>

/** What a modal remembered, or undefined when it is not a memory of that kind. */
export function parseFormState<T>(memory: z.ZodType<T>, privateMetadata: string): T | undefined {
  try {
    return memory.safeParse(JSON.parse(privateMetadata)).data
  } catch {
    return undefined
  }
}

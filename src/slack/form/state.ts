/** The state that modals carry between two requests. */
import { z } from 'zod'
import { PLACES, TELL } from './settings.js'

/**
 * The state of page 2 in `private_metadata`. It comes back from the person's client, so nothing may trust it: whatever it
 * names is looked up and checked again.
 */
export const FormState = z.object({
  connection: z.string().max(100),
  operation: z.string().max(100),
  /** Answers that other fields' lists depend on, and values from the command, by field; several with commas. */
  values: z.record(z.string(), z.string()),
  /** Labels of these values, by field; several on a line each. Absent for a name that is not looked up yet. */
  labels: z.record(z.string(), z.string()),
  /** Fields whose typed names were looked up, with a sentence on what was not found; empty if everything was. */
  remarks: z.record(z.string(), z.string()),
  /** Fields whose list can't be read, with the reason and what to type instead. */
  typed: z.record(z.string(), z.string()),
  /** Names that are suggested, by field: what it gets if it is left empty. */
  suggested: z.record(z.string(), z.string()).default({}),
  /** Why a field's list is empty, by field, for its hint. */
  notes: z.record(z.string(), z.string()).default({}),
  /** Where the command was typed, for showing it in the form. Rules use `opening` instead. */
  channel: z.string().regex(/^[A-Z0-9]{0,40}$/),
  /** Key of the row that says where the command was typed; it works only for that person. */
  opening: z.string().max(100),
  /** Which other channels the form offers for updates. The choice is checked again. */
  choosableChannels: z.enum(['none', 'inside', 'all']).optional(),
  /** When this person is mentioned, and where their threads begin, as their settings say. The form only begins so. */
  tell: z.enum(TELL).optional(),
  place: z.enum(PLACES).optional(),
})
export type FormState = z.infer<typeof FormState>

/** The state of page 1: where the command was typed, and the values it gave. */
export const ChoiceState = FormState.pick({
  channel: true,
  opening: true,
  choosableChannels: true,
  tell: true,
  place: true,
  values: true,
})
export type ChoiceState = z.infer<typeof ChoiceState>

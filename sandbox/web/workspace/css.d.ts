/** Lets a style set a custom property of our style sheet. */
import 'react'

declare module 'react' {
  interface CSSProperties {
    '--hue'?: number
  }
}

/** Emoji. Those that show a state are drawn here, because not every machine has a font for them. */
import type { ReactNode } from 'react'

const sign = {
  fill: 'none',
  stroke: '#fff',
  strokeWidth: 2.2,
  strokeLinecap: 'round',
  strokeLinejoin: 'round',
} as const
const hourglass = (
  <>
    <path d="M4 1h8v2.5L9 8l3 4.5V15H4v-2.5L7 8 4 3.5Z" fill="#eadfc8" stroke="#8a6d3b" strokeWidth="1.2" />
    <path d="M5.5 13.8 8 10.5l2.5 3.3ZM6 4.5h4L8 7.3Z" fill="#c98a1b" />
  </>
)
const circle = (fill: string, stroke = fill) => <circle cx="8" cy="8" r="6.4" fill={fill} stroke={stroke} />

const drawings: Readonly<Record<string, ReactNode>> = {
  white_check_mark: (
    <>
      <rect x="1" y="1" width="14" height="14" rx="3" fill="#2c9a57" />
      <path d="m4.3 8.3 2.6 2.6 4.8-5.6" {...sign} />
    </>
  ),
  x: <path d="m3 3 10 10M13 3 3 13" {...sign} stroke="#cf2f26" strokeWidth="3" />,
  heavy_minus_sign: <path d="M3 8h10" {...sign} stroke="#5c6863" strokeWidth="3" />,
  hourglass,
  hourglass_flowing_sand: hourglass,
  large_blue_circle: circle('#2f7fd0'),
  large_green_circle: circle('#2c9a57'),
  large_yellow_circle: circle('#e5b52c'),
  red_circle: circle('#cf2f26'),
  white_circle: circle('#fff', '#9aa6a1'),
  grey_question: (
    <>
      <path d="M5.4 5.6a2.6 2.6 0 1 1 3.8 2.3C8.3 8.4 8 8.8 8 9.8" {...sign} stroke="#7b8782" />
      <circle cx="8" cy="12.8" r="1.4" fill="#7b8782" />
    </>
  ),
  no_entry: (
    <>
      {circle('#cf2f26')}
      <path d="M4.6 8h6.8" {...sign} />
    </>
  ),
  no_entry_sign: (
    <>
      <circle cx="8" cy="8" r="5.8" fill="none" stroke="#cf2f26" strokeWidth="2" />
      <path d="M4 4l8 8" {...sign} stroke="#cf2f26" strokeWidth="2" />
    </>
  ),
  octagonal_sign: (
    <>
      <path d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3Z" fill="#cf2f26" />
      <path d="M4.8 8h6.4" {...sign} />
    </>
  ),
  raised_hand: (
    <path
      d="M4.2 9V4.6M6.6 8V2.4M9 8V2.4M11.4 8.6V4M4.2 9c0 3.4 1.6 5.4 4 5.4s3.8-1.6 4.4-4.2l.9-2.6"
      {...sign}
      stroke="#d99a1c"
    />
  ),
  wastebasket: (
    <>
      <path d="M3.6 5h8.8l-.9 10H4.5Z" fill="#dfe5e2" stroke="#5c6863" strokeWidth="1.2" />
      <path d="M2.4 4h11.2M6.4 2.2h3.2M6.6 7.4v5M9.4 7.4v5" {...sign} stroke="#5c6863" strokeWidth="1.2" />
    </>
  ),
  warning: (
    <>
      <path d="M8 1.6 15 14H1Z" fill="#f2c230" stroke="#b98900" strokeLinejoin="round" />
      <path d="M8 6v3.6M8 11.8v.1" {...sign} stroke="#3a2d05" strokeWidth="1.8" />
    </>
  ),
  sheep: (
    <>
      <path d="M5 11v3.5M10.5 11v3.5" {...sign} stroke="#4b423a" strokeWidth="1.6" />
      <path
        d="M4.2 4.6a2.6 2.6 0 0 1 4.4-1.2 2.6 2.6 0 0 1 3.6 2 2.4 2.4 0 0 1-.2 4.5 2.6 2.6 0 0 1-4 1.2 2.7 2.7 0 0 1-4.2-.9 2.5 2.5 0 0 1-.9-4 2 2 0 0 1 1.3-1.6Z"
        fill="#fffdf8"
        stroke="#a89f93"
        strokeWidth=".7"
      />
      <ellipse cx="12.3" cy="6" rx="2.1" ry="2.6" fill="#4b423a" />
      <circle cx="12.7" cy="5.4" r=".5" fill="#fff" />
    </>
  ),
}

/** `known` is the character for this name, or the name itself where there is none. */
export function Emoji({ name, known }: { name: string; known: string }) {
  const drawing = drawings[name]
  // The library drops the colons of names it does not know, and so turns 10:30:45 into 103045.
  if (!drawing && known === name) return `:${name}:`
  return (
    <span className="emoji" role="img" aria-label={name.replaceAll('_', ' ')} title={`:${name}:`}>
      {drawing ? (
        <svg viewBox="0 0 16 16" aria-hidden="true">
          {drawing}
        </svg>
      ) : (
        known
      )}
    </span>
  )
}

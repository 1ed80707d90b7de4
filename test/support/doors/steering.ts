/** How the clients of each API steer a turn that runs. */
import { responseFrames } from './hearing.ts';
import type { Listening } from './listening.ts';
import { say, type Call, type Door } from './door.ts';
import { DOORS } from './speaking.ts';

interface Steerer extends Door {
  /** What tells that a message steers, where that is no head of an answer. */
  steers?: string;
}

/** Steers the turn that runs, and begins nothing. */
const responseSteer: Steerer = {
  name: 'response.steer',
  hear: responseFrames,
  begins: false,
  call({ turnId }, message) {
    const body = { type: 'response.steer', previous_response_id: `resp_${turnId}`, input: message };
    return { path: '/v1/responses', body, socket: {} };
  },
  steering: (body) => body,
  steers: 'response.steer.accepted',
};

/** Every way of steering a turn. */
export const STEERERS: readonly Steerer[] = [
  ...DOORS.filter(({ steering }) => steering !== undefined),
  responseSteer,
];

/** Sends a message that steers a turn, and waits until it is accepted. */
export async function steerBy(url: string, door: Steerer, call: Call): Promise<Listening> {
  const { steering, steers = '' } = door;
  const steered = await say(url, door, { ...call, body: steering?.(call.body) ?? {} });
  if (steers !== '')
    await steered.until(() => steered.events.some(({ data }) => data.includes(steers)));
  return steered;
}

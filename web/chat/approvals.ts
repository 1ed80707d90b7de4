/** Asks whether calls of tools may run. The answers go together, since each is asked for once. */
import type { Message, Part } from '../api/types.ts';
import { button, make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';
import { toolName } from './answer-body.ts';

export interface Decision {
  approval_id: string;
  approved: boolean;
  reason?: string;
  always?: true;
}

type Question = Extract<Part, { type: 'tool_approval' }>;

/** Draws a card for each call that waits; `decided` gets the decisions when all are made. */
export function drawQuestions(
  message: Message,
  decided: (decisions: Decision[]) => void,
): HTMLElement[] {
  const questions = (message.parts ?? []).filter((part) => part.type === 'tool_approval');
  const decisions: Decision[] = [];
  return questions.map((question) =>
    drawCard(question, (decision) => {
      decisions.push(decision);
      if (decisions.length === questions.length) decided(decisions);
    }),
  );
}

function drawCard(question: Question, decide: (decision: Decision) => void): HTMLElement {
  const name = toolName(question.name);
  const reason = make('input', { type: 'text', maxLength: 2_000, placeholder: say('denyReason') });
  reason.setAttribute('aria-label', say('denyReason'));
  const choose = (approved: boolean, more: Partial<Decision> = {}) => {
    const text = say(approved ? 'allowed' : 'denied', { tool: name });
    card.replaceChildren(make('p', {}, text));
    decide({ approval_id: question.approval_id, approved, ...more });
  };
  const deny = () => choose(false, reason.value.trim() ? { reason: reason.value.trim() } : {});
  const card = make(
    'section',
    { class: 'card', 'aria-label': say('mayRun', { tool: name }) },
    make('strong', {}, say('mayRun', { tool: name })),
    make('pre', { tabIndex: 0 }, JSON.stringify(question.input, undefined, 2)),
    make(
      'div',
      { class: 'row' },
      button(say('allowOnce'), () => choose(true), { class: 'primary' }),
      button(say('allowAlways'), () => choose(true, { always: true })),
    ),
    make('div', { class: 'row' }, reason, button(say('deny'), deny)),
  );
  return card;
}

/** Draws what a user said to such questions, in place of a text. */
export function drawDecisions(message: Message): HTMLElement[] {
  const parts = (message.parts ?? []).filter((part) => part.type === 'approval');
  return parts.map(({ approved, reason }) =>
    make(
      'p',
      { class: 'state quiet' },
      say(approved ? 'youAllowed' : 'youDenied'),
      reason ? ` “${reason}”` : '',
    ),
  );
}

/** Returns true for an answer that waits for results of tools that another program runs. */
export function waitsForClient({ parts = [], finish_reason: reason }: Message): boolean {
  if (reason !== 'tool_calls') return false;
  const answered = new Set<string>();
  for (const part of parts)
    if (part.type === 'tool_result' || part.type === 'tool_approval')
      answered.add(part.tool_call_id);
  return parts.some((part) => part.type === 'tool_call' && !answered.has(part.tool_call_id));
}

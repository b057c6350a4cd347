/** What to do after an answer of an OTLP route: `answers` in the words of OTLP/HTTP. */
import { decide, type Answer, type Decision } from './answers.js';

/** Source: opentelemetry.io/docs/specs/otlp/#otlphttp-response. OTLP has no reasons: any other refusal is final. */
export function decideOtlp(answer: Answer, nowMs: number): Decision {
  const decision = decide(answer, 1, nowMs);
  if (answer.status === 200) return { ...decision, action: 'done', reason: 'accepted' };
  const final = answer.status > 399 && decision.reason === 'not_the_collector';
  return final ? { ...decision, action: 'drop', reason: `http_${answer.status}` } : decision;
}

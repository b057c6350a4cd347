import { Combobox, InlineField, MultiCombobox } from '@grafana/ui';
import React from 'react';

import { numbersOf, questionOf, QueryType } from '../questions';
import { SeamarkQuery } from '../types';
import { LineInput } from './LineInput';

const named = (value: string) => ({ value, label: value });
const FORMATS = [
  { value: 'table' as const, label: 'Table' },
  {
    value: 'numeric' as const,
    label: 'Numbers',
    description: 'One number with labels a row: alert rules, stat panels',
  },
];
const COUNTS = [
  'offered',
  'accepted',
  'stored',
  'archived',
  'rejected',
  'duplicate',
  'deadLettered',
  'sampled',
  'limited',
  'deadLetters',
  'requestRejections',
  'unarchived',
  'offBy',
  'archiveOffBy',
  'behind',
];

interface Props {
  query: SeamarkQuery;
  type: QueryType;
  onChange: (changes: Partial<SeamarkQuery>) => void;
}

/** What becomes of the answer: names of series, and numbers instead of a table. */
export function AnswerFields({ query, type, onChange }: Props) {
  const numbers = numbersOf(type);
  const series = type === 'ledger' || questionOf(type)?.shape === 'series';
  return (
    <>
      {numbers.length > 0 && (
        <InlineField label="Format">
          <Combobox
            id={`seamark-format-${query.refId}`}
            width={16}
            options={FORMATS}
            value={query.format ?? 'table'}
            onChange={(chosen) => onChange({ format: chosen.value })}
          />
        </InlineField>
      )}
      {numbers.length > 0 && query.format === 'numeric' && (
        <InlineField label="Number">
          <Combobox
            id={`seamark-value-${query.refId}`}
            width={20}
            createCustomValue
            options={numbers.map(named)}
            value={query.value ?? numbers[0]}
            onChange={(chosen) => onChange({ value: chosen.value })}
          />
        </InlineField>
      )}
      {type === 'ledger' && (
        <InlineField label="Over time" tooltip="Counts as series, for each app and signal; none: a table">
          <MultiCombobox
            id={`seamark-series-${query.refId}`}
            width={30}
            options={COUNTS.map(named)}
            value={query.series ?? []}
            onChange={(chosen) => onChange({ series: chosen.map(({ value }) => value) })}
          />
        </InlineField>
      )}
      {series && (
        <InlineField label="Legend" tooltip="{{country}} is replaced by that label, {{agg}} by the aggregate">
          <LineInput
            id={`seamark-legend-${query.refId}`}
            placeholder="auto"
            value={query.legend ?? ''}
            onCommit={(legend) => onChange({ legend: legend || undefined })}
          />
        </InlineField>
      )}
    </>
  );
}

import { QueryEditorProps } from '@grafana/data';
import { Combobox, InlineField } from '@grafana/ui';
import React from 'react';

import { SeamarkOptions, SeamarkQuery, VariableQuery, VariableSource } from '../types';
import { LineInput } from './LineInput';

type Props = QueryEditorProps<VariableSource, SeamarkQuery, SeamarkOptions, VariableQuery>;

const KINDS = [
  { value: 'values' as const, label: 'Values of a dimension' },
  { value: 'labels' as const, label: 'Dimensions' },
  { value: 'metrics' as const, label: 'Names of metrics' },
];

/** What a template variable offers. */
export function VariableEditor({ query, onChange }: Props) {
  const asked: VariableQuery = { ...query, refId: 'variable', kind: query?.kind ?? 'values' };
  const text = (field: 'metric' | 'label' | 'prefix', label: string, placeholder: string) => (
    <InlineField label={label} labelWidth={14}>
      <LineInput
        id={`seamark-variable-${field}`}
        width={36}
        placeholder={placeholder}
        value={asked[field] ?? ''}
        onCommit={(changed) => onChange({ ...asked, [field]: changed })}
      />
    </InlineField>
  );
  return (
    <>
      <InlineField label="Offer" labelWidth={14}>
        <Combobox
          id="seamark-variable-kind"
          width={36}
          options={KINDS}
          value={asked.kind}
          onChange={(chosen) => onChange({ ...asked, kind: chosen.value })}
        />
      </InlineField>
      {asked.kind === 'values' && text('label', 'Dimension', 'country')}
      {asked.kind !== 'metrics' && text('metric', 'Metric', 'any')}
      {asked.kind !== 'labels' && text('prefix', 'Begins with', '')}
    </>
  );
}

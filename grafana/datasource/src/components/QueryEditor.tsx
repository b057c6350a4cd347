import { QueryEditorProps } from '@grafana/data';
import { Combobox, InlineField, InlineSwitch } from '@grafana/ui';
import React, { useRef } from 'react';

import type { SeamarkDatasource } from '../datasource';
import { carriedOver, takesFilters } from '../forms';
import { QUERY_TYPES, QueryType } from '../questions';
import { QuestionRequest, SeamarkOptions, SeamarkQuery } from '../types';
import { AnswerFields } from './AnswerFields';
import { FilterRows } from './FilterRows';
import { FormFields } from './FormFields';
import { LineInput } from './LineInput';
import { RequestText } from './RequestText';

type Props = QueryEditorProps<SeamarkDatasource, SeamarkQuery, SeamarkOptions>;

/**
 * A builder for every kind of question, and the request as text. The builder changes only the field that
 * is edited: what was written by hand survives it, the switch between the two, and a change of the type
 * and back.
 */
export function QueryEditor({ datasource, query, onChange, onRunQuery, range }: Props) {
  const left = useRef<Partial<Record<QueryType, QuestionRequest>>>({});
  const type = query.queryType ?? 'timeseries';
  const request = query.request ?? {};
  const set = (changes: Partial<SeamarkQuery>) => {
    onChange({ ...query, ...changes });
    onRunQuery();
  };
  const setRequest = (changes: Partial<QuestionRequest>) => set({ request: without({ ...request, ...changes }) });
  const become = (next: QueryType) => {
    left.current[type] = request;
    set({ queryType: next, request: left.current[next] ?? carriedOver(request, type, next) });
  };
  return (
    <>
      <div style={{ display: 'flex', flexWrap: 'wrap' }}>
        <InlineField label="Query" labelWidth={10}>
          <Combobox
            id={`seamark-type-${query.refId}`}
            width={24}
            options={[...QUERY_TYPES]}
            value={type}
            onChange={(chosen) => become(chosen.value)}
          />
        </InlineField>
        {type !== 'trace' && (
          <InlineField label="App" tooltip="Empty: all apps that the token can see">
            <LineInput
              id={`seamark-app-${query.refId}`}
              width={18}
              placeholder="all"
              value={query.app ?? ''}
              onCommit={(app) => set({ app: app || undefined })}
            />
          </InlineField>
        )}
        <AnswerFields query={query} type={type} onChange={set} />
        {type !== 'trace' && (
          <InlineSwitch
            id={`seamark-text-${query.refId}`}
            label="As text"
            showLabel
            value={Boolean(query.asText)}
            onChange={(event) => onChange({ ...query, asText: event.currentTarget.checked })}
          />
        )}
      </div>
      {type === 'trace' ? (
        <InlineField label="Trace ID" labelWidth={10}>
          <LineInput
            id={`seamark-trace-${query.refId}`}
            width={44}
            placeholder="32 hexadecimal digits"
            value={query.traceId ?? ''}
            onCommit={(text) => set({ traceId: text.trim() })}
          />
        </InlineField>
      ) : query.asText ? (
        <RequestText key={type} type={type} request={request} onChange={(whole) => set({ request: whole })} />
      ) : (
        <>
          <FormFields
            datasource={datasource}
            type={type}
            request={request}
            range={range}
            refId={query.refId}
            onChange={setRequest}
          />
          {takesFilters(type) && (
            <FilterRows datasource={datasource} request={request} range={range} onChange={setRequest} />
          )}
        </>
      )}
    </>
  );
}

/** A field that was emptied is no longer there, so that the API's own default holds. */
function without(request: QuestionRequest): QuestionRequest {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

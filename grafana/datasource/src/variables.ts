import { CustomVariableSupport, DataQueryRequest, DataQueryResponse } from '@grafana/data';
import { from, Observable } from 'rxjs';
import { map } from 'rxjs/operators';

import { VariableEditor } from './components/VariableEditor';
import { VariableQuery, VariableSource } from './types';

/** Template variables, with an editor of their own. */
export class SeamarkVariables extends CustomVariableSupport<VariableSource, VariableQuery> {
  editor = VariableEditor;

  constructor(private readonly datasource: VariableSource) {
    super();
  }

  query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const { range, scopedVars } = request;
    return from(this.datasource.metricFindQuery(request.targets[0], { range, scopedVars })).pipe(
      map((data) => ({ data }))
    );
  }
}

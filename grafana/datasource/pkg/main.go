// Command gpx_seamark_datasource is the backend of the Seamark datasource: Grafana starts it and
// speaks to it over gRPC.
package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/seamark/seamark-datasource/pkg/plugin"
)

func main() {
	if err := datasource.Manage("seamark-datasource", plugin.NewDatasource, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error("the Seamark datasource ended", "error", err.Error())
		os.Exit(1)
	}
}

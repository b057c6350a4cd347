"""How Grafana's HTTP API answers, for what a push asks of it; `push_grafana` holds the state."""

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from tests.integration.push_grafana import State

_SECRET = {"slack": ("url", "token"), "pagerduty": ("integrationKey",)}
JSON = dict[str, Any]


def said(code: int, message: str, /, **more: Any) -> web.Response:
    """Grafana's usual answer: a message."""
    return web.json_response({"message": message, **more}, status=code)


class Handlers:
    """Every route that a push may use; another is a 404, as are notification policies."""

    def __init__(self, state: "State") -> None:
        self.state = state

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        prov = "/api/v1/provisioning"
        group = f"{prov}/folder/{{folder}}/rule-groups/{{group}}"
        return [
            web.get("/api/health", self.get_health),
            web.get("/api/plugins/{id}/settings", self.get_plugin),
            web.get("/api/folders", self.list_folders),
            web.post("/api/folders", self.post_folder),
            web.get("/api/folders/{uid}", self.get_folder),
            web.put("/api/folders/{uid}", self.put_folder),
            web.get("/api/datasources", self.list_datasources),
            web.post("/api/datasources", self.post_datasource),
            web.get("/api/datasources/uid/{uid}", self.get_datasource),
            web.put("/api/datasources/uid/{uid}", self.put_datasource),
            web.get("/api/datasources/uid/{uid}/health", self.get_datasource_health),
            web.get("/api/search", self.search),
            web.post("/api/dashboards/db", self.post_dashboard),
            web.get("/api/dashboards/uid/{uid}", self.get_dashboard),
            web.delete("/api/dashboards/uid/{uid}", self.delete_dashboard),
            web.get("/api/dashboards/uid/{uid}/versions", self.get_versions),
            web.get(f"{prov}/alert-rules", self.list_rules),
            web.post(f"{prov}/alert-rules", self.post_rule),
            web.put(f"{prov}/alert-rules/{{uid}}", self.put_rule),
            web.delete(f"{prov}/alert-rules/{{uid}}", self.delete_rule),
            web.get(group, self.get_group),
            web.put(group, self.put_group),
            web.get(f"{prov}/contact-points", self.list_points),
            web.post(f"{prov}/contact-points", self.post_point),
            web.put(f"{prov}/contact-points/{{uid}}", self.put_point),
        ]

    async def get_health(self, request: web.Request) -> web.Response:
        if self.state.moved_to:
            return web.Response(status=301, headers={"Location": self.state.moved_to})
        return web.json_response({"database": "ok", "version": self.state.version})

    async def get_plugin(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.state.plugins:
            return said(404, "Plugin not found, no installed plugin with that id")
        return web.json_response({"id": request.match_info["id"], "enabled": False})

    async def list_folders(self, request: web.Request) -> web.Response:
        brief = ("id", "uid", "title")
        return web.json_response([{k: f[k] for k in brief} for f in self.state.folders.values()])

    async def get_folder(self, request: web.Request) -> web.Response:
        there = self.state.folders.get(request.match_info["uid"])
        if there is None:
            return said(404, "folder not found", status="not-found")
        return web.json_response(there)

    async def post_folder(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given["uid"] in self.state.folders:
            return said(409, "a folder with the same uid already exists")
        made = {"id": len(self.state.folders) + 1, "version": 1, **given}
        self.state.folders[given["uid"]] = made
        return web.json_response(made)

    async def put_folder(self, request: web.Request) -> web.Response:
        given = await request.json()
        there = self.state.folders[request.match_info["uid"]]
        if given.get("version") != there["version"] and not given.get("overwrite"):
            return said(412, "the folder has been changed by someone else")
        there |= {"title": given["title"], "version": there["version"] + 1}
        return web.json_response(there)

    async def list_datasources(self, request: web.Request) -> web.Response:
        return web.json_response([_shown(each) for each in self.state.datasources.values()])

    async def get_datasource(self, request: web.Request) -> web.Response:
        there = self.state.datasources.get(request.match_info["uid"])
        return web.json_response(_shown(there)) if there else said(404, "Data source not found")

    async def get_datasource_health(self, request: web.Request) -> web.Response:
        if self.state.health == "OK":
            return web.json_response({"status": "OK", "message": "it works"})
        return web.json_response({"status": "ERROR", "message": self.state.health}, status=400)

    async def post_datasource(self, request: web.Request) -> web.Response:
        given = await request.json()
        if any(each["name"] == given["name"] for each in self.state.datasources.values()):
            return said(409, "data source with the same name already exists")
        made = {"id": 7, "orgId": 1, "readOnly": False, "isDefault": False, "version": 1, **given}
        self.state.datasources[given["uid"]] = made
        return web.json_response({"datasource": _shown(made), "message": "Datasource added"})

    async def put_datasource(self, request: web.Request) -> web.Response:
        given = await request.json()
        there = self.state.datasources[request.match_info["uid"]]
        if there["readOnly"]:
            return said(403, "Cannot update read-only data source")
        kept = {**there["secureJsonData"], **given.pop("secureJsonData", {})}
        there |= {**given, "secureJsonData": kept, "version": there["version"] + 1}
        return web.json_response({"datasource": _shown(there), "message": "Datasource updated"})

    async def search(self, request: web.Request) -> web.Response:
        tag, folder = request.query.get("tag"), request.query.get("folderUIDs")
        found = [
            {"uid": uid, "title": each["dashboard"]["title"], "type": "dash-db"}
            for uid, each in self.state.dashboards.items()
            if (not tag or tag in each["dashboard"].get("tags", []))
            and (not folder or each["meta"]["folderUid"] == folder)
        ]
        return web.json_response(found)

    async def post_dashboard(self, request: web.Request) -> web.Response:
        given = await request.json()
        board, folder = given["dashboard"], given.get("folderUid", "")
        if folder and folder not in self.state.folders:
            return said(404, "folder not found", status="not-found")
        if self.state.meanwhile == board["uid"]:
            self.state.save_dashboard({**board, "title": "Theirs"}, folder, "", "ann")
        there = self.state.dashboards.get(board["uid"])
        if there and there["meta"]["provisioned"]:
            return said(400, "Cannot save provisioned dashboard")
        if there and there["meta"]["version"] != board["version"] and not given["overwrite"]:
            why = "The dashboard has been changed by someone else"
            return said(412, why, status="version-mismatch")
        # As the schema's defaults are written out in what is saved.
        board = json.loads(json.dumps(board))
        board.setdefault("preload", False)
        for panel in board.get("panels", []):
            panel.setdefault("pluginVersion", self.state.version)
        board["annotations"] = board.get("annotations") or {"list": []}
        version = self.state.save_dashboard(board, folder, given["message"], "sa-1-push")
        return web.json_response({"uid": board["uid"], "status": "success", "version": version})

    async def get_dashboard(self, request: web.Request) -> web.Response:
        there = self.state.dashboards.get(request.match_info["uid"])
        return web.json_response(there) if there else said(404, "Dashboard not found")

    async def delete_dashboard(self, request: web.Request) -> web.Response:
        if self.state.dashboards.pop(request.match_info["uid"], None) is None:
            return said(404, "Dashboard not found")
        return said(200, "Dashboard deleted")

    async def get_versions(self, request: web.Request) -> web.Response:
        versions = self.state.history[request.match_info["uid"]][::-1]
        limit = int(request.query.get("limit", 1000))
        return web.json_response({"continueToken": "", "versions": versions[:limit]})

    async def list_rules(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.state.rules.values()))

    async def post_rule(self, request: web.Request) -> web.Response:
        given = await request.json()
        clash = any(
            (r["folderUID"], r["title"]) == (given["folderUID"], given["title"])
            for r in self.state.rules.values()
        )
        if given["uid"] in self.state.rules or clash:
            why = "a conflicting alert rule is found: rule title under the same folder"
            return said(400, f"{why} should be unique")
        if given["folderUID"] not in self.state.folders:
            return said(404, "folder does not exist")
        self.state.intervals.setdefault((given["folderUID"], given["ruleGroup"]), 60)
        self.state.rules[given["uid"]] = made = _rule(given, request)
        return web.json_response(made, status=201)

    async def put_rule(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.state.rules:
            return web.Response(status=404)
        if self.state.rules[uid]["provenance"] not in ("", "api"):
            return said(409, "cannot change provenance from 'file' to 'api'")
        self.state.rules[uid] = made = _rule(await request.json(), request)
        return web.json_response(made)

    async def delete_rule(self, request: web.Request) -> web.Response:
        self.state.rules.pop(request.match_info["uid"], None)
        return web.Response(status=204)

    async def get_group(self, request: web.Request) -> web.Response:
        key = (request.match_info["folder"], request.match_info["group"])
        rules = [r for r in self.state.rules.values() if (r["folderUID"], r["ruleGroup"]) == key]
        if not rules:
            return said(404, "rule group does not exist")
        body = {"title": key[1], "folderUid": key[0], "interval": self.state.intervals[key]}
        return web.json_response(body | {"rules": rules})

    async def put_group(self, request: web.Request) -> web.Response:
        given = await request.json()
        key = (request.match_info["folder"], request.match_info["group"])
        named = {rule["uid"] for rule in given["rules"]}
        for uid, rule in list(self.state.rules.items()):
            if (rule["folderUID"], rule["ruleGroup"]) == key and uid not in named:
                del self.state.rules[uid]
        self.state.intervals[key] = given["interval"]
        return web.json_response(given)

    async def list_points(self, request: web.Request) -> web.Response:
        return web.json_response([_redacted(each) for each in self.state.points.values()])

    async def post_point(self, request: web.Request) -> web.Response:
        given = await request.json()
        self.state.points[given["uid"]] = made = {**given, "provenance": _provenance(request)}
        return web.json_response(_redacted(made), status=202)

    async def put_point(self, request: web.Request) -> web.Response:
        given = await request.json()
        there = self.state.points[request.match_info["uid"]]
        for name, value in given["settings"].items():
            if value == "[REDACTED]":
                given["settings"][name] = there["settings"][name]
        there |= given
        return said(202, "contactpoint updated")


def _provenance(request: web.Request) -> str:
    return "" if "X-Disable-Provenance" in request.headers else "api"


def _rule(given: JSON, request: web.Request) -> JSON:
    made = {"keep_firing_for": "0s"} | json.loads(json.dumps(given)) | {"id": 1, "orgID": 1}
    made.pop("keepFiringFor", None)  # the API drops what it does not know
    for step in made["data"]:
        step.setdefault("queryType", "")
        step["model"] = {"intervalMs": 1000, "maxDataPoints": 43200, **step["model"]}
    return {**made, "provenance": _provenance(request), "notification_settings": None}


def _shown(datasource: JSON) -> JSON:
    shown = {name: value for name, value in datasource.items() if name != "secureJsonData"}
    return shown | {"secureJsonFields": dict.fromkeys(datasource["secureJsonData"], True)}


def _redacted(point: JSON) -> JSON:
    secret = _SECRET.get(point["type"], ())
    settings = {k: "[REDACTED]" if k in secret else v for k, v in point["settings"].items()}
    return {**point, "settings": settings}

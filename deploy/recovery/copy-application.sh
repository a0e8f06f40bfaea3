#!/bin/bash
# Copy an application to a server that lacks it, for example from a restored backup after a deletion by mistake.
# See docs/how-to/recover-from-disasters.md.
#
#     OLD=http://127.0.0.1:8099 OLD_TOKEN=... NEW=https://packages.example.org NEW_TOKEN=... copy-application.sh Slicer
#
# The tokens belong to site administrators. The copy has the id of the application, all metadata, links and files.
# Releases and packages get new ids, dates and access lists. Requires curl and jq. To repeat an interrupted run, first
# delete the application on the new server.
set -euo pipefail
name=${1:?name of the application}
part=$(mktemp)
trap 'rm -f "$part"' EXIT

from() { curl --fail-with-body -sS -H "Girder-Token: $OLD_TOKEN" "$OLD/api/v1/$1"; }
to() { curl --fail-with-body -sS -H "Girder-Token: $NEW_TOKEN" "$NEW/api/v1/$1" "${@:2}"; }
# A JSON object as a form.
form() { jq -r 'with_entries(select(.value != null)) | to_entries | map(@uri "\(.key)=\(.value)") | join("&")'; }

app=$(from "app?limit=0" | jq -ce --arg name "$name" '.[] | select(.name == $name)')
id=$(jq -r ._id <<< "$app")
to app -d "$(jq '{app_id: ._id, name, app_description: .description, public}' <<< "$app" | form)" > /dev/null
to "folder/$id/metadata" -X PUT -H 'Content-Type: application/json' -d "$(jq -c .meta <<< "$app")" > /dev/null

from "app/$id/release?limit=0&sort=created&sortdir=1" | jq -c '.[]' | while read -r release; do
    to "app/$id/release" -d "$(jq '{name, app_revision: .meta.revision, description, public}' <<< "$release" | form)" > /dev/null
done
for kind in package extension; do
    from "app/$id/$kind?limit=0&sort=created&sortdir=1" | jq -c '.[]' | while read -r item; do
        old=$(jq -r ._id <<< "$item")
        file=$(from "item/$old/files" | jq -c '.[0] // {}')
        values=$(jq --argjson file "$file" '{description} + .meta
            + (if $file.linkUrl then {url: $file.linkUrl, file_name: $file.name, size: $file.size} else {sha512: null} end)
            | del(.app_id, .release)' <<< "$item")
        new=$(to "app/$id/$kind" -d "$(form <<< "$values")" | jq -r ._id)
        if [ "$(jq '.linkUrl == null and .size != null' <<< "$file")" = true ]; then
            from "item/$old/download" > "$part"
            to "file?$(jq --arg item "$new" '{parentType: "item", parentId: $item, name, size}' <<< "$file" | form)" \
                -X POST -H 'Content-Type: application/octet-stream' -T "$part" > /dev/null
        fi
        jq -r .name <<< "$item"
    done
done

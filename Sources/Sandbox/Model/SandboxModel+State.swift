import Foundation

// What `GET /control/state` shows. Tests read it; its names are part of the control API.

extension SandboxModel {
    /// Everything there is at this instant, as JSON.
    public func state(at now: Date) -> [UInt8] { stateJSON(at: now).bytes }

    func stateJSON(at now: Date) -> JSONValue {
        [
            "organizations": .array(organizations.map { json($0, at: now) }),
            "vendor": [
                "id": .string(vendor.id), "name": .string(vendor.name), "description": .string(vendor.description),
                "vendorKey": .string(vendor.apiKey), "modules": .strings(vendor.modules.map(\.rawValue)),
                "services": .array(vendor.services.map(\.json)),
            ],
            "settings": settings.json, "faults": .array(faults.map(\.json)), "requests": requests.json,
            "vendorRequests": .object(
                vendorAPIs.map { JSONValue.Member(name: $0.name, value: $0.requests.json) }),
        ]
    }

    /// One organization as the control API shows it.
    func json(_ organization: Organization, at now: Date) -> JSONValue {
        let mappings = organization.mappings
        let mappable = organization.mappableServices(vendor: vendor)
        return [
            "id": .string(organization.id), "name": .string(organization.name),
            "integrationId": .string(organization.integrationID),
            "partnerKey": .optional(organization.partnerKey?.value),
            "revokedKeys": .strings(organization.revokedKeys.map(\.value)),
            "status": .string(organization.status.rawValue),
            "lastSyncedAt": .optional(organization.lastSyncedAt?.wireText),
            "mappingFinished": .bool(organization.mappingFinished),
            "accounts": .array(
                organization.accounts.items.map { account in
                    [
                        "id": .string(account.id), "name": .string(account.name),
                        "description": .string(account.description),
                        "mappedTo": .optional(mappings.client(ofAccount: account.key)),
                        "excluded": .bool(mappings.accounts[account.key] == .excluded),
                    ]
                }),
            "services": .array(
                organization.services.items.map { service in
                    [
                        "id": .string(service.id), "_id": .string(service.key), "name": .string(service.name),
                        "description": .string(service.description),
                        "mappedTo": .strings(mappings.products(ofService: service.key)),
                        "excluded": .bool(mappings.services[service.key] == .excluded),
                    ]
                }),
            "accountMap": .object(
                organization.accounts.items.compactMap { account in
                    mappings.client(ofAccount: account.key).map { .init(name: account.id, value: .string($0)) }
                }),
            "serviceMap": .object(
                mappable.compactMap { service in
                    let products = mappings.products(ofService: service.key)
                    return products.isEmpty ? nil : .init(name: service.id, value: .strings(products))
                }),
            "excludedServices": .strings(mappable.filter { mappings.services[$0.key] == .excluded }.map(\.id)),
            "counts": .array(countsJSON(organization, mappable)),
            "alerts": .array(organization.alerts.alerts.map { $0.stateJSON(at: now) }),
            "tickets": .array(
                organization.alerts.tickets(at: now).map { ticket in
                    .object(present: ticket.stateMembers(clientName: ticket.alert.clientID.flatMap(organization.client)?.name))
                }),
            "clients": .array(organization.clients.map { ["id": .string($0.id), "name": .string($0.name)] }),
            "products": .array(organization.products.map { ["id": .string($0.id), "name": .string($0.name)] }),
        ]
    }

    /// Sorted by account, then service, in the order both were created.
    private func countsJSON(
        _ organization: Organization, _ services: [(key: String, id: String, name: String)]
    ) -> [JSONValue] {
        organization.accounts.items.flatMap { account in
            services.compactMap { service in
                let key = CountKey(accountKey: account.key, serviceKey: service.key)
                return organization.counts[key].map { count in
                    [
                        "accountId": .string(account.id), "serviceId": .string(service.id),
                        "serviceName": .string(service.name), "unitCount": .number(count.value),
                        "at": .string(count.at.wireText), "times": .number(Double(count.times)),
                    ]
                }
            }
        }
    }
}

extension Alert {
    fileprivate func stateJSON(at now: Date) -> JSONValue {
        var failure: JSONValue?
        if now >= readyAt, case .failure(_, let message) = outcome { failure = .string(message) }
        return .object(present: [
            "messageId": .string(messageID), "alertId": .string(alertID), "accountId": .string(accountID),
            "title": .string(title), "description": .string(description), "priority": .number(Double(priority)),
            "alertStatus": .number(Double(status)), "dueDateTime": dueDateTime.map(JSONValue.string),
            "serviceId": serviceID.map(JSONValue.string), "acceptedAt": .string(acceptedAt.wireText),
            "status": .string(state(at: now)), "error": failure,
            "ticketId": ticketNumber(at: now).map { .string(String($0)) },
            "repeatOf": repeatOf.map { .string(String($0)) },
        ])
    }
}

extension Ticket {
    fileprivate func stateMembers(clientName: String?) -> KeyValuePairs<String, JSONValue?> {
        [
            "id": .string(String(number)), "title": .string(alert.title), "description": .string(alert.description),
            "priority": .number(Double(alert.priority)), "status": .number(Double(alert.status)),
            "alertId": .string(alert.alertID), "accountId": .string(alert.accountID),
            "clientName": clientName.map(JSONValue.string), "openedAt": .string(openedAt.wireText),
            "updates": .number(Double(updates)), "repeatOf": updates == 0 ? alert.repeatOf.map { .string(String($0)) } : nil,
        ]
    }
}

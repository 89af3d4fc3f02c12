package nango

// key is a key of an object that says something about the object, or that may hold a row.
type key uint8

const (
	keyOther key = iota
	keyNever     // holds no row that counts
	keyDocID
	keyID
	keyRecordKey
	keyOperation
	keyMessages
	keyParent
	keyFrom
	keyConnection
	keyType
	keyName
	keyAttributes
	keyTags
	keyList
	keyState
	keyEnded
	keyUpdated
	keyLevel
	keySource
	keyDoc
	keyUpsert
	keyMethod
	keyPath
	keyIndex
	keyActionIndex
	keyActionUpdate
	keyActionDelete
	keyTime
	keyTimestamp
	keyAtTimestamp
	keyAtVersion
	keySourceType
	keyDate
	keyStream
	keyKubernetes
	keySchema
	keyHeaders
	keyBase64
	keySpec
	keySpans
	keyHits
	keyAPI
	keyMeta
	keyFlat // of an object within a row, written with a dot
	// Where shippers put the row, as an object or as text: the first that holds one is believed, the others are copies.
	keyBox // boxes begin here
	keyHitSource
	keyAfter
	keyPayload
	keyValue
	keyStructured
	keyResult
	keyMessage
	keyLog
	keyBody
	keyOriginal
	keyData
	keyEvent
	keyRecord
	keyRawLine
	keyLine
	keyText
	keyDocument
	keyParsed
	keyAnyText
	keyEnd
)

// spellings are the names of the keys that are known.
var spellings = [keyEnd][]string{
	keyDocID:        {"_id"},
	keyID:           {"id", "documentId", "document_id"},
	keyRecordKey:    {"key"},
	keyOperation:    {"operation"},
	keyMessages:     {"messages", "logs"},
	keyParent:       {"parentId"},
	keyFrom:         {"from"},
	keyConnection:   {"connectionId"},
	keyType:         {"type"},
	keyName:         {"name", "operationName"},
	keyAttributes:   {"attributes"},
	keyTags:         {"tags"},
	keyList:         {"kvlistValue", "kvlist_value"},
	keyState:        {"state"},
	keyEnded:        {"endedAt"},
	keyUpdated:      {"updatedAt"},
	keyLevel:        {"level"},
	keySource:       {"source"},
	keyDoc:          {"doc"},
	keyUpsert:       {"upsert"},
	keyMethod:       {"method", "httpMethod"},
	keyPath:         {"path", "url", "uri", "request_uri", "rawPath", ":path"},
	keyIndex:        {"_index"},
	keyActionIndex:  {"index", "create"},
	keyActionUpdate: {"update"},
	keyActionDelete: {"delete"},
	keyTime:         {"time", "ts", "received_at", "receivedAt"},
	keyTimestamp:    {"timestamp"},
	keyAtTimestamp:  {"@timestamp"},
	keyAtVersion:    {"@version"},
	keySourceType:   {"source_type"},
	keyDate:         {"date", "_p"},
	keyStream:       {"stream"},
	keyKubernetes:   {"kubernetes"},
	keySchema:       {"schema"},
	keyHeaders:      {"headers"},
	keyBase64:       {"isBase64Encoded"},
	keySpec:         {"specversion"},
	keySpans: {"resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "spans", "resourceLogs",
		"resource_logs", "scopeLogs", "scope_logs", "logRecords", "log_records"},
	keyHits:       {"hits", "responses"},
	keyAPI:        {"operations", "pagination", "jsonrpc", "content"},
	keyMeta:       {"meta"},
	keyFlat:       {"operation.action", "meta.type", "meta.body", "response.code", "error.type"},
	keyNever:      {"before", "updateDescription", "multiValueHeaders", "requestContext", "highlight"},
	keyHitSource:  {"_source"},
	keyAfter:      {"after", "fullDocument"},
	keyPayload:    {"payload"},
	keyValue:      {"value"},
	keyStructured: {"structuredContent"},
	keyResult:     {"result"},
	keyMessage:    {"message"},
	keyLog:        {"log"},
	keyBody:       {"body", "Body"},
	keyOriginal:   {"original"},
	keyData:       {"data", "data_base64"},
	keyEvent:      {"event"},
	keyRecord:     {"record"},
	keyRawLine:    {"_raw", "MESSAGE"},
	keyLine:       {"msg", "line"},
	keyText:       {"text"},
	keyDocument:   {"document", "row"},
	keyParsed:     {"json"},
	keyAnyText:    {"stringValue", "string_value"},
}

var keyNames = func() map[string]key {
	names := map[string]key{}
	for k, spelled := range spellings {
		for _, s := range spelled {
			names[s] = key(k)
		}
	}
	return names
}()

func keyOf(k []byte) key { return keyNames[string(k)] }

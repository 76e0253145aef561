using System.Net;
using System.Text.Json;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Credentials.Internal;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Auth;
using Amazon.Runtime.Internal.Transform;

namespace PgMigration;

/// <summary>
/// What the SDK's core needs to know of DMS: how it is named, where it is, how it signs, and how a message becomes bytes. Credentials,
/// signatures, retries and clocks stay the SDK's.
/// </summary>
internal sealed class DmsConnection : AmazonServiceClient
{
    private DmsConnection(AWSCredentials credentials, Settings config)
        : base(credentials, config)
    {
    }

    /// <summary>Connects; nothing is sent yet.</summary>
    /// <exception cref="MigrationException"><c>RegionMissing</c>; as <see cref="Wal.AwsIdentity.Credentials"/>.</exception>
    public static DmsConnection Open(DmsAccess access)
    {
        var config = new Settings { MaxErrorRetry = 4, Timeout = TimeSpan.FromSeconds(30), ConnectTimeout = TimeSpan.FromSeconds(10) };
        string? region = access.Region ?? access.Identity.Region();
        if ((access.Endpoint ?? access.Identity.Endpoint("database_migration_service")) is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = region ?? "us-east-1";
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region ?? throw new MigrationException("RegionMissing", MigrationErrorKind.InvalidArgument,
                "The region of DMS is not known. Give -Region, set AWS_REGION, or use a profile that names one."));
        }

        return new DmsConnection(access.Identity.Credentials(), config);
    }

    /// <summary>One operation.</summary>
    public async Task<TResponse> InvokeAsync<TResponse>(string operation, object request, CancellationToken cancel)
        where TResponse : class
    {
        var options = new InvokeOptions { RequestMarshaller = JsonMarshaller.Instance, ResponseUnmarshaller = JsonUnmarshaller<TResponse>.Instance };
        return (await base.InvokeAsync<Answer<TResponse>>(new Message(operation, request), options, cancel)).Body!;
    }

    /// <inheritdoc/>
    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        pipeline.RemoveHandler<Amazon.Runtime.Internal.EndpointResolver>();
        pipeline.AddHandlerAfter<Marshaller>(new DmsEndpoint());
        pipeline.AddHandlerAfter<Marshaller>(new DmsSignature());
    }

    private sealed class Settings : ClientConfig
    {
        public Settings()
            : base(new DefaultConfigurationProvider([new DefaultConfiguration { Name = DefaultConfigurationMode.Standard, RetryMode = RequestRetryMode.Standard }]))
        {
            ServiceId = "Database Migration Service"; // AWS_ENDPOINT_URL_DATABASE_MIGRATION_SERVICE is made of it
            AuthenticationServiceName = "dms";
            EndpointProvider = new Endpoints();
        }

        public override string ServiceVersion => "2016-01-01";

        public override string UserAgent => "PgMigration/0.1";

        public override string RegionEndpointServiceName => "dms";

        public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) => EndpointProvider.ResolveEndpoint(Place.Of(this));
    }

    private sealed class Place : EndpointParameters
    {
        public static Place Of(IClientConfig config) => new() { ["Endpoint"] = config.ServiceURL, ["Region"] = config.RegionEndpoint?.SystemName, ["Suffix"] = config.RegionEndpoint?.PartitionDnsSuffix };
    }

    private sealed class Endpoints : IEndpointProvider
    {
        public Endpoint ResolveEndpoint(EndpointParameters parameters) =>
            new(parameters["Endpoint"] as string is { Length: > 0 } given ? given : $"https://dms.{parameters["Region"]}.{parameters["Suffix"]}");
    }

    private sealed class DmsEndpoint : BaseEndpointResolver
    {
        protected override void ServiceSpecificHandler(IExecutionContext executionContext, EndpointParameters parameters)
        {
        }

        protected override EndpointParameters MapEndpointsParameters(IRequestContext requestContext) => Place.Of(requestContext.ClientConfig);
    }

    private sealed class DmsSignature : BaseAuthResolverHandler
    {
        protected override List<IAuthSchemeOption> ResolveAuthOptions(IExecutionContext executionContext) => AuthSchemeOption.DEFAULT_SIGV4;
    }

    private sealed class Message(string operation, object body) : AmazonWebServiceRequest
    {
        public string Operation => operation;

        public object Body => body;
    }

    private sealed class Answer<TResponse> : AmazonWebServiceResponse
    {
        public TResponse? Body { get; init; }
    }

    private sealed class JsonMarshaller : IMarshaller<IRequest, AmazonWebServiceRequest>
    {
        public static readonly JsonMarshaller Instance = new();

        public IRequest Marshall(AmazonWebServiceRequest input)
        {
            var message = (Message)input;
            var request = new DefaultRequest(message, "dms")
            {
                HttpMethod = "POST",
                ResourcePath = "/",
                Content = JsonSerializer.SerializeToUtf8Bytes(message.Body, message.Body.GetType(), DmsJson.Options),
            };
            request.Headers["X-Amz-Target"] = DmsJson.TargetPrefix + message.Operation;
            request.Headers["Content-Type"] = DmsJson.ContentType;
            return request;
        }
    }

    private sealed class JsonUnmarshaller<TResponse> : JsonResponseUnmarshaller
        where TResponse : class
    {
        public static readonly JsonUnmarshaller<TResponse> Instance = new();

        public override AmazonWebServiceResponse Unmarshall(JsonUnmarshallerContext input) =>
            new Answer<TResponse> { Body = JsonSerializer.Deserialize<TResponse>(input.Stream, DmsJson.Options) ?? throw new JsonException("null") };

        public override AmazonServiceException UnmarshallException(JsonUnmarshallerContext input, Exception innerException, HttpStatusCode statusCode)
        {
            string? fault = null, text = null;
            try
            {
                using var body = JsonDocument.Parse(input.Stream);
                fault = Text(body.RootElement, "__type") is { } type ? type[(type.LastIndexOf('#') + 1)..] : null;
                text = Text(body.RootElement, "message") ?? Text(body.RootElement, "Message");
            }
            catch (JsonException)
            {
                // what stands between us and DMS answered in its own words: the status says enough
            }

            return new AmazonServiceException(text ?? statusCode.ToString(), innerException, ErrorType.Unknown, fault, null, statusCode);
        }

        private static string? Text(JsonElement body, string name) => body.ValueKind == JsonValueKind.Object && body.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}

using System.Text.Json;

namespace PgMigration.LocalDms;

/// <summary>The operations that are known, by DMS's names.</summary>
internal sealed class Operations
{
    private readonly Dictionary<string, Func<byte[], object>> _operations = new(StringComparer.Ordinal);

    /// <summary>The operations on these resources.</summary>
    public Operations(Resources resources)
    {
        new InstanceOperations(resources).AddTo(this);
        new EndpointOperations(resources).AddTo(this);
        new ConnectionOperations(resources).AddTo(this);
        new TaskOperations(resources).AddTo(this);
        new ServerlessOperations(resources).AddTo(this);
        Gate = resources.Gate;
    }

    private Lock Gate { get; }

    /// <summary>Adds an operation.</summary>
    public void Add<TRequest>(string name, Func<TRequest, object> operation) => _operations[name] = body =>
    {
        TRequest request;
        try
        {
            request = JsonSerializer.Deserialize<TRequest>(body, DmsJson.Options)!;
        }
        catch (JsonException error)
        {
            throw Fault.InvalidValue($"The request of {name} is not valid: {error.Message}");
        }

        lock (Gate)
        {
            return operation(request);
        }
    };

    /// <summary>Runs an operation.</summary>
    /// <exception cref="Fault">The operation's, or UnknownOperationException.</exception>
    public object Run(string name, byte[] body) => _operations.TryGetValue(name, out var operation)
        ? operation(body)
        : throw new Fault("UnknownOperationException", $"The local DMS does not know the operation '{name}'; its README says what it does not imitate.");
}

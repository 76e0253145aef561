namespace PgMigration.LocalDms;

/// <summary>An answer that says no, by the name that DMS gives it.</summary>
/// <remarks>Source of the names: the DMS service model 2016-01-01; InvalidParameterValueException is not in it, but is what the service answers.</remarks>
/// <param name="name">The fault, such as <c>ResourceNotFoundFault</c>.</param>
/// <param name="message">What the caller reads; never a secret.</param>
internal sealed class Fault(string name, string message) : Exception(message)
{
    /// <summary>The fault's name.</summary>
    public string Name { get; } = name;

    /// <summary>A value that DMS will not have.</summary>
    public static Fault InvalidValue(string message) => new("InvalidParameterValueException", message);

    /// <summary>Values that do not go together.</summary>
    public static Fault InvalidCombination(string message) => new("InvalidParameterCombinationException", message);

    /// <summary>The resource exists, but its state forbids the step.</summary>
    public static Fault InvalidState(string message) => new("InvalidResourceStateFault", message);

    /// <summary>Nothing has this name or ARN.</summary>
    public static Fault NotFound(string message) => new("ResourceNotFoundFault", message);

    /// <summary>The name is taken.</summary>
    public static Fault AlreadyExists(string message) => new("ResourceAlreadyExistsFault", message);
}
